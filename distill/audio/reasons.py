"""why a file is not used, or what is unusual about it → a kind for programs, details for people."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from pathlib import Path

from distill.errors import SoundError


class _Kind(Enum):
    """A kind; its value is the kind in words, in messages and in files."""

    def text(self, detail: str) -> str:
        """The kind in words, with the detail if there is one."""
        return f"{self.value}: {detail}" if detail else str(self.value)


class Reason(_Kind):
    """Why a file or folder is not used."""

    UNREADABLE = "unreadable"
    """It may be readable the next time."""
    NOT_AUDIO = "not audio"
    EMPTY = "empty"
    NOT_FINITE = "not finite"
    OUT_OF_RANGE = "out of range"
    SILENT = "silent"
    TOO_SHORT = "too short"
    DUPLICATE = "duplicate"
    """The detail is the path of the file that is used instead."""
    CHANGED = "changed while being read"
    BROKEN_LINK = "broken link"
    OWN_OUTPUT = "distill's own output"

    def text(self, detail: str) -> str:
        """The reason in words: `too short: 1.0 ms`, `duplicate of kick.wav`."""
        return f"duplicate of {detail}" if self is Reason.DUPLICATE else super().text(detail)


class Note(_Kind):
    """What is unusual about a file that is used all the same."""

    ENDS_EARLY = "ends early"


def counts_in_words(counts: Iterable[tuple[Reason | Note, int]]) -> str:
    """The number of files of each kind, in words: `3 not audio, 1 silent`."""
    return ", ".join(f"{count:,} {kind.value}" for kind, count in counts)


class UnusableError(SoundError):
    """A sound file that cannot be used; `reason` says why."""

    def __init__(self, path: Path, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{path}: {reason.text(detail)}")
        self.reason, self.detail = reason, detail
