"""why a file is not used, or what is unusual about it → a kind for programs, details for people."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from pathlib import Path
from typing import NamedTuple, Self

from distill.errors import SoundError


class _Kind(Enum):
    """A kind; its value is the kind in words, in messages and in files."""

    def text(self, detail: str) -> str:
        """The kind in words, with the detail if there is one."""
        return f"{self.value}: {detail}" if detail else str(self.value)


class Reason(_Kind):
    """Why a file or folder is not used, in the order of reports: what a user can mend first, what
    belongs to other programs last.
    """

    UNREADABLE = "unreadable"
    """It may be readable the next time."""
    NOT_FINITE = "not finite"
    OUT_OF_RANGE = "out of range"
    EMPTY = "empty"
    CHANGED = "changed while being read"
    BROKEN_LINK = "broken link"
    SILENT = "silent"
    TOO_SHORT = "too short"
    DUPLICATE = "duplicate"
    """The detail is the path of the file that is used instead."""
    OWN_OUTPUT = "distill's own output"
    NOT_DOWNLOADED = "not downloaded"
    NOT_AUDIO = "not audio"
    OTHER_PROGRAM = "file of another program"
    SIDE_FILE = "macOS side file"

    def text(self, detail: str) -> str:
        """The reason in words: `too short: 1.0 ms`, `duplicate of kick.wav`."""
        return f"duplicate of {detail}" if self is Reason.DUPLICATE else super().text(detail)


class Note(_Kind):
    """What is unusual about a file that is used all the same."""

    ENDS_EARLY = "ends early"
    UNREAD = "not all of it can be read"
    LONGER = "longer than its header says"
    CHANGES = "rate or channels change on the way"
    TRACKS = "one sound track used"
    MIXED = "channels not mixed as usual"


class NoteText(NamedTuple):
    """A note with its detail."""

    note: Note
    detail: str

    @classmethod
    def ends_early(cls, seconds: float, promised_s: float | None = None) -> Self:
        """`seconds` were read, of those that the header promises, if it promises any."""
        of = f"{promised_s:,.2f} s" if promised_s else "an unknown length; the end is missing"
        return cls(Note.ENDS_EARLY, f"{seconds:,.2f} s of {of}")

    @classmethod
    def longer(cls, seconds: float, written_s: float) -> Self:
        """`seconds` were read, though the header says `written_s`."""
        return cls(Note.LONGER, f"{seconds:,.2f} s read, {written_s:,.2f} s in the header")

    @classmethod
    def unread(cls, seconds: float, share: float) -> Self:
        """`seconds` were read, and a share of the file's bytes was not."""
        percent = "under 1" if share < 0.01 else f"{100 * share:.0f}"
        return cls(Note.UNREAD, f"{seconds:,.2f} s read; {percent} % of the file's bytes were not")

    @property
    def text(self) -> str:
        """The note in words."""
        return self.note.text(self.detail)


def counts_in_words(counts: Iterable[tuple[Reason | Note, int]]) -> str:
    """The number of files of each kind, in words: `3 not audio, 1 silent`."""
    return ", ".join(f"{count:,} {kind.value}" for kind, count in counts)


class UnusableError(SoundError):
    """A sound file that cannot be used; `reason` says why."""

    def __init__(self, path: Path, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{path}: {reason.text(detail)}")
        self.reason, self.detail = reason, detail
