"""the files that a scan used and left out → its report, `collection.json`."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from distill.audio.reasons import Note, NoteText, Reason
from distill.system.atomic import whole_file
from distill.system.json_values import read_object

REPORT = "collection.json"
"""Name of the report, in the folder of a run or of shards."""


@dataclass(frozen=True)
class Sound:
    """A usable file and its waveform in the cache."""

    path: str
    content: str
    samples: int
    """At the cache's sample rate."""
    duration_s: float
    source_rate_hz: int
    channels: int
    waveform: Path
    active: bytes
    notes: tuple[NoteText, ...] = ()
    """What is unusual about it, although it is used."""


@dataclass(frozen=True)
class LeftOut:
    """A file that is not used, and why."""

    path: str
    reason: Reason
    detail: str = ""

    @property
    def text(self) -> str:
        """The reason with its detail, in words."""
        return self.reason.text(self.detail)


@dataclass(frozen=True)
class Collection:
    """The result of a scan: the sounds that are used, and the files that are not."""

    name: str
    folders: tuple[str, ...]
    sample_rate_hz: int
    sounds: tuple[Sound, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def files(self) -> int:
        """Number of files that are used."""
        return len(self.sounds)

    @property
    def duration_s(self) -> float:
        """Duration of all sounds together."""
        return sum(sound.duration_s for sound in self.sounds)

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the sounds' contents; file names do not change it."""
        return hashlib.sha256(
            "\n".join(sorted(sound.content for sound in self.sounds)).encode()
        ).hexdigest()

    def reasons(self) -> list[tuple[Reason, int]]:
        """How many files were left out for each reason, in the order of reports."""
        counts = Counter(left_out.reason for left_out in self.left_out)
        return [(reason, counts[reason]) for reason in Reason if reason in counts]

    def reasons_in_words(self) -> str:
        """How many files were left out for each reason, with the detail where it is needed, or
        where it is the same for all: `2 broken link, 3 distill's own output: made with Drums`.
        """
        details: dict[Reason, dict[str, None]] = {}
        for file in self.left_out:
            details.setdefault(file.reason, {})[file.detail] = None
        return ", ".join(
            f"{count:,} {_in_words(reason, details[reason])}" for reason, count in self.reasons()
        )

    def notes(self) -> list[tuple[Note, int]]:
        """How many of the files that are used have each note, most frequent first."""
        return Counter(note for sound in self.sounds for note, _ in sound.notes).most_common()

    def write_report(self, path: Path) -> None:
        """Write everything as JSON: each file used, and each file left out with its reason (`kind`
        for programs, `reason` for people).
        """
        used = (
            {
                "path": sound.path,
                "content": sound.content,
                "duration_s": round(sound.duration_s, 3),
                "sample_rate_hz": sound.source_rate_hz,
                "channels": sound.channels,
                **({"notes": [note.text for note in sound.notes]} if sound.notes else {}),
            }
            for sound in self.sounds
        )
        left_out = (
            {"path": file.path, "kind": file.reason.value, "reason": file.text}
            for file in self.left_out
        )
        parts = {
            "name": _json(self.name),
            "folders": _json(self.folders),
            "fingerprint": _json(self.fingerprint),
            "files_used": _json(len(self.sounds)),
            "duration_s": _json(round(self.duration_s, 3)),
            "left_out": _json_lines(left_out),
            "used": _json_lines(used),
        }
        text = "{\n" + ",\n".join(f'"{key}": {value}' for key, value in parts.items()) + "\n}\n"
        # file names that are not Unicode hold surrogates; as backslash escapes they are valid JSON
        with whole_file(path) as partial:
            partial.write_text(text, encoding="utf-8", errors="backslashreplace")


def fingerprint_in(report: Path) -> object:
    """The fingerprint of the sounds that a report is of; None without one of distill."""
    return read_object(report).get("fingerprint")


def _in_words(reason: Reason, details: Iterable[str]) -> str:
    first, *others = details
    if others and reason is Reason.OUT_OF_RANGE:
        return f"{reason.value} (such as: {first})"
    is_plain = others or reason is Reason.DUPLICATE
    return reason.value if is_plain else reason.text(first)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _json_lines(rows: Iterable[object]) -> str:
    """A JSON list with one line for each row: many times faster than json.dumps with an indent."""
    return "[\n" + ",\n".join(map(_json, rows)) + "\n]"
