"""The files of distill/ → which imports which, wherever the import stands."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.helpers.checkout import REPOSITORY

PACKAGE = REPOSITORY / "distill"


@dataclass(frozen=True)
class Import:
    """One import, wherever it stands: at the top, in a function or for the type checker only."""

    path: str
    line: int
    room: str
    target: str

    @property
    def module(self) -> str:
        """The dotted name of the module that imports."""
        path = self.path.removesuffix(".py").removesuffix("__init__").rstrip("/")
        return f"distill.{path}".replace("/", ".").rstrip(".")

    @property
    def target_room(self) -> str | None:
        """The room of distill that is imported; None if it is another package."""
        package, _, rest = self.target.partition(".")
        return rest.partition(".")[0] if package == "distill" else None

    def __str__(self) -> str:
        return f"distill/{self.path}:{self.line}: {self.target}"


def room_of(module: Path) -> str:
    """The first word below distill: a folder's name, or a module's at the top."""
    first = module.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return "" if first == "__init__" else first


@cache
def parse(module: Path) -> ast.Module:
    return ast.parse(module.read_text(encoding="utf-8"))


def is_module(name: str) -> bool:
    """A file or folder of distill, rather than something in it."""
    path = REPOSITORY.joinpath(*name.split("."))
    return name.startswith("distill.") and (path.is_dir() or path.with_suffix(".py").is_file())


def targets(node: ast.AST) -> Iterator[str]:
    """The dotted names of modules that a node imports."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        assert node.module
        inside = [name for alias in node.names if is_module(name := f"{node.module}.{alias.name}")]
        yield from inside
        if len(inside) < len(node.names):
            yield node.module


@cache
def imports() -> tuple[Import, ...]:
    """All of them in distill/."""
    return tuple(
        Import(str(module.relative_to(PACKAGE)), node.lineno, room_of(module), target)
        for module in sorted(PACKAGE.rglob("*.py"))
        for node in ast.walk(parse(module))
        for target in targets(node)
    )


def circle_of(arrows: Iterable[tuple[str, str]]) -> set[str]:
    """All that lie on a circle of arrows."""
    reached: dict[str, set[str]] = {}
    for begin, end in arrows:
        reached.setdefault(begin, set()).add(end)
    for middle in list(reached):  # Warshall's closure
        for ends in reached.values():
            if middle in ends:
                ends |= reached[middle]
    return {begin for begin, ends in reached.items() if begin in ends}
