"""A verb run in the test's own process → what it wrote and how it ended."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SPEED = r"\d+(\.\d)? x real time"
CONTROL = "\x1b[31mred\x07\r\u202e"
"""Text that a terminal would obey."""


@dataclass(frozen=True)
class Told:
    """What came back."""

    exit_code: object
    stdout: str
    stderr: str

    @property
    def out(self) -> list[str]:
        """Lines of stdout."""
        return self.stdout.splitlines()

    @property
    def err(self) -> list[str]:
        """Lines of stderr."""
        return self.stderr.splitlines()

    def line_of(self, result: str) -> str:
        """The one line that tells of a result."""
        (line,) = [line for line in self.out if line.startswith(f"{result}: ")]
        return line

    def number(self, pattern: str, line: str) -> float:
        """The number in a line where `#` is in the pattern."""
        found = re.search(re.escape(pattern).replace(r"\#", r"(\d+\.\d\d)"), line)
        assert found, line
        return float(found[1])

    def is_mistake(self, *parts: str) -> None:
        """Exit 2 and one line on stderr with all parts."""
        assert self.exit_code == 2, self
        assert len(self.err) == 1, self.stderr
        assert self.stderr.startswith("distill: ")
        for part in parts:
            assert part in self.stderr, self.stderr

    def is_plain(self) -> None:
        """Nothing that a terminal would obey."""
        text = self.stdout + self.stderr
        assert not set(text) & set(CONTROL) - set("[31mred"), repr(text)


Run = Callable[..., Told]
"""A verb's name and its words → what came back."""
Say = Callable[..., Told]
"""The words of one verb → what came back."""


def row_of(said: Told, name: str) -> list[str]:
    """The cells of one model's row that are not empty."""
    (row,) = [line for line in said.out if line.startswith(name)]
    return re.split("  +", row)


def files(folder: Path) -> list[str]:
    """All below, hidden ones too."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def results(folder: Path) -> list[str]:
    """All below but the page to listen and its files."""
    own = ("listen.html", "listen_files")
    return [name for name in files(folder) if Path(name).parts[0] not in own]
