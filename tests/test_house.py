"""The rooms of distill/: which may import which, how long a file may be, what a verb has."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from distill.__main__ import VERBS
from tests.helpers.checkout import REPOSITORY
from tests.helpers.imports import PACKAGE, Import, circle_of, imports, parse, room_of, targets

TESTS = REPOSITORY / "tests"
FLOORS = (
    {"errors", "version"},
    {"plugins"},
    {"system"},
    {"settings", "audio", "model"},
    {"data", "vocoder", "prior"},
    {"codec"},
    {"generation"},
    {"bundle"},
    {"listen"},
    {"catalog"},
    {"runs"},
    {"training"},
    {"sweep"},
    {"cli"},
    {*VERBS},
)
"""The rooms from low to high: each may import what is below it, and nothing of its own floor."""
ENTRANCE = ("", "__main__")
"""Of the package itself: `import distill` and `python -m distill` may hand on to any room."""
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
PURE_TORCH = ("model", "vocoder", "prior")
BANNED: dict[str, set[str]] = {
    **dict.fromkeys(PURE_TORCH, {"lightning", "hydra", "omegaconf"}),
    "data": {"lightning", "hydra", "omegaconf"},
    "runs": {"torch", "lightning", "hydra", "omegaconf"},
}
ALLOWED = {("data/datamodule.py", "lightning")}
"""What is banned from a room but for this module."""
PRIVATE = re.compile(r"_[^_]")
MOST_LINES, MOST_LINES_OF_VERB = 300, 100
LONGEST_SCRIPT_LINE = 120


def module_of(verb: str) -> Path:
    """Where the verb's `main` is."""
    module = PACKAGE / f"{verb}.py"
    return module if module.exists() else PACKAGE / verb / "__main__.py"


def between_rooms() -> Iterator[Import]:
    """Those from one room into another."""
    for found in imports():
        own = (None, "", found.room)
        if found.room not in ENTRANCE and found.target_room not in own:
            yield found


def check(wrong: Iterable[object]) -> None:
    """Fail with all that is wrong, a line each."""
    if lines := [str(each) for each in wrong]:
        pytest.fail("\n".join(lines), pytrace=False)


def too_long(modules: Iterable[Path], most: int) -> Iterator[str]:
    """Path and length of those with more lines."""
    for module in sorted(modules):
        lines = len(module.read_text(encoding="utf-8").splitlines())
        if lines > most:
            yield f"{module.relative_to(REPOSITORY)}: {lines} lines, {most} are allowed"


def is_private(node: ast.AST) -> bool:
    """`a._b` of anything but an object's own, and `setattr(a, "_b", ...)`."""
    if isinstance(node, ast.Attribute):
        own = isinstance(node.value, ast.Name) and node.value.id in ("self", "os")  # os._exit
        return PRIVATE.match(node.attr) is not None and not own
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
        function = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
        texts = [word.value for word in node.args[:2] if isinstance(word, ast.Constant)]
        names = [str(text).rpartition(".")[2] for text in texts]
        return function == "setattr" and any(map(PRIVATE.match, names))
    return False


# -- imports ---------------------------------------------------------


def test_every_room_has_a_floor_and_every_floor_is_a_room() -> None:
    rooms = {room_of(module) for module in PACKAGE.rglob("*.py")}
    assert rooms - {*ENTRANCE} == FLOOR_OF.keys()
    assert BANNED.keys() <= FLOOR_OF.keys()


def test_imports_are_seen_wherever_they_stand() -> None:
    source = """
import distill.model.mel
from distill import errors, __version__
if TYPE_CHECKING:
    from distill.codec.codes import Codes
def work():
    from distill.data import scan
"""
    seen = [target for node in ast.walk(ast.parse(source)) for target in targets(node)]
    assert sorted(seen) == [
        "distill",
        "distill.codec.codes",
        "distill.data.scan",
        "distill.errors",
        "distill.model.mel",
    ]


def test_no_import_goes_up_or_sideways() -> None:
    check(
        found
        for found in between_rooms()
        if FLOOR_OF.get(found.target_room, len(FLOORS)) >= FLOOR_OF.get(found.room, -1)
    )


def test_a_verb_imports_no_verb() -> None:
    check(found for found in between_rooms() if {found.room, found.target_room} <= {*VERBS})


def test_networks_know_no_room_but_the_model() -> None:
    """A vocoder and a prior speak of mels and codes, which are the model's."""
    check(
        found
        for found in between_rooms()
        if found.room in PURE_TORCH and found.target_room not in ("errors", "plugins", "model")
    )


@pytest.mark.parametrize("room", BANNED)
def test_frameworks_stay_out_of(room: str) -> None:
    check(
        found
        for found in imports()
        if found.room == room
        and (framework := found.target.partition(".")[0]) in BANNED[room]
        and (found.path, framework) not in ALLOWED
    )


def test_rooms_import_each_other_in_no_circle() -> None:
    circle = circle_of((found.room, found.target_room) for found in between_rooms())
    check(found for found in between_rooms() if {found.room, found.target_room} <= circle)


def test_files_import_each_other_in_no_circle() -> None:
    """Inside a room, too, and what is imported for the type checker only counts as well."""
    circle = circle_of((found.module, found.target) for found in imports())
    check(found for found in imports() if {found.module, found.target} <= circle)


def test_a_circle_is_seen() -> None:
    assert circle_of([("a", "b"), ("b", "c"), ("c", "d")]) == set()
    assert circle_of([("a", "b"), ("b", "c"), ("c", "b"), ("d", "a")]) == {"b", "c"}


def test_what_only_one_verb_needs_is_not_in_cli() -> None:
    users: dict[str, set[str]] = {}
    for found in imports():
        if found.target.startswith("distill.cli."):
            users.setdefault(found.target, set()).add(found.module)
    for _ in users:  # who needs a module of cli/ needs what that imports
        for reached in users.values():
            reached |= {user for each in tuple(reached) for user in users.get(each, ())}
    check(
        f"{module}: only {', '.join(verbs) or 'nobody'} needs it"
        for module, found in users.items()
        if len(verbs := {user.split(".")[1] for user in found} & {*VERBS}) < 2
    )


# -- sizes -----------------------------------------------------------


def test_no_module_is_too_long() -> None:
    check(too_long(PACKAGE.rglob("*.py"), MOST_LINES))


def test_no_verb_is_too_long() -> None:
    check(too_long(map(module_of, VERBS), MOST_LINES_OF_VERB))


def test_no_test_file_is_too_long() -> None:
    check(too_long(TESTS.rglob("*.py"), MOST_LINES))


def test_no_script_is_too_long_or_too_wide() -> None:
    scripts = sorted(PACKAGE.rglob("*.js"))
    assert scripts
    check(too_long(scripts, MOST_LINES))
    check(
        f"{script.relative_to(REPOSITORY)}:{number}: {len(line)} letters"
        for script in scripts
        for number, line in enumerate(script.read_text(encoding="utf-8").splitlines(), start=1)
        if len(line) > LONGEST_SCRIPT_LINE
    )


# -- verbs -----------------------------------------------------------


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_is_a_module_with_a_main(verb: str) -> None:
    functions = [node for node in parse(module_of(verb)).body if isinstance(node, ast.FunctionDef)]
    assert "main" in [function.name for function in functions]


def test_what_lies_at_the_top_is_a_verb_or_the_entrance() -> None:
    top = {room_of(module) for module in PACKAGE.glob("*.py")}
    assert top - {*ENTRANCE, "errors", "version", "plugins"} == {
        verb for verb in VERBS if not (PACKAGE / verb).is_dir()
    }


# -- tests -----------------------------------------------------------


def test_tests_lie_as_the_rooms_do() -> None:
    """What concerns several rooms at once lies in faults/ or at the top."""
    folders = {path.parent.relative_to(TESTS) for path in TESTS.rglob("test_*.py")}
    rooms = folders - {Path(), Path("faults")}
    check(folder for folder in rooms if not ((PACKAGE / folder) / "__init__.py").exists())


def test_tests_import_helpers_only() -> None:
    """No conftest, and no other test file."""
    check(
        f"{path.relative_to(REPOSITORY)}:{node.lineno}: {target}"
        for path in sorted(TESTS.rglob("*.py"))
        for node in ast.walk(parse(path))
        for target in targets(node)
        if target.partition(".")[0] == "tests" and not target.startswith("tests.helpers.")
    )


def test_tests_use_no_private_names() -> None:
    check(
        f"{path.relative_to(REPOSITORY)}:{node.lineno}: {ast.unparse(node)}"
        for path in sorted(TESTS.rglob("*.py"))
        for node in ast.walk(parse(path))
        if is_private(node)
    )
