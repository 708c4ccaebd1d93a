"""results of decoding sound files ↔ rows of an SQLite file, for the next process."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple, Self

from distill.audio.reasons import Note, NoteText, Reason
from distill.system.locks import has_locks

VERSION = 2
"""Version of the table's columns; a table of another version is deleted, and its sounds are decoded
again.
"""


@dataclass(frozen=True)
class Decoded:
    """A file's place in the cache, or the reason why it has none."""

    reason: Reason | None = None
    """None if the file is in the cache."""
    detail: str = ""
    """Details of the reason."""
    content: str = ""
    """SHA-256 over the decoded mono samples and their rate; equal for the same sound in another
    file format.
    """
    samples: int = 0
    source_rate_hz: int = 0
    channels: int = 0
    active: bytes = b""
    """One byte for each ACTIVITY_S: 1 if it is louder than silence, else 0."""
    notes: tuple[NoteText, ...] = ()
    """What is unusual about a sound that is used all the same."""


class FileState(NamedTuple):
    """What changes when a program writes to a file."""

    size: int
    """In bytes."""
    time_ns: int
    changed: int
    """The time of the last change, which programs cannot set back; on Windows, which has none, the
    file's number.
    """

    @classmethod
    def of(cls, status: os.stat_result) -> Self:
        """The state of a file with this status."""
        changed = status.st_ctime_ns if os.name == "posix" else status.st_ino
        return cls(status.st_size, status.st_mtime_ns, changed)


KEY = ["path", "settings", *FileState._fields]
COLUMNS = [*KEY, *(field.name for field in fields(Decoded))]


class CacheIndex:
    """The rows that belong to one cache's settings, by path and state of the sound file."""

    def __init__(self, path: Path, settings: str) -> None:
        """Open or make the index; a damaged one is replaced by an empty one.

        Raises sqlite3.Error if another process blocks it for long, or without permission.
        """
        self._settings = settings
        self._unwritten: list[tuple[str | int | bytes | None, ...]] = []
        try:
            self._database = _open(path)
        except sqlite3.OperationalError:
            raise  # busy, or no permission: deleting it would not help
        except sqlite3.DatabaseError:  # damaged: it can be made again from the sounds
            path.unlink(missing_ok=True)
            self._database = _open(path)

    def close(self) -> None:
        """Close the file; rows that were not flushed are saved if that is still possible."""
        with suppress(sqlite3.Error):
            self.flush()
        self._database.close()

    def rows(self) -> dict[tuple[str, FileState], Decoded]:
        """All rows for these settings, by path and state of the file."""
        columns = ", ".join(name for name in COLUMNS if name != "settings")
        rows = self._database.execute(
            f"SELECT {columns} FROM sounds WHERE settings = ?", (self._settings,)
        )
        return {
            (path, FileState(size, time_ns, changed)): _decoded_of(values)
            for path, size, time_ns, changed, *values in rows
        }

    def remember(self, path: str, state: FileState, decoded: Decoded) -> None:
        """Add or replace a row; it is written to disk by `flush`."""
        values = {
            **vars(decoded),
            "reason": decoded.reason and decoded.reason.value,
            "notes": json.dumps([(note.value, detail) for note, detail in decoded.notes]),
        }
        self._unwritten.append((path, self._settings, *state, *values.values()))

    def flush(self) -> None:
        """Write the remembered rows to disk, all at once, so that the index is never locked while a
        file is decoded.
        """
        places = ", ".join("?" for _ in COLUMNS)
        with self._database:
            self._database.executemany(
                f"INSERT OR REPLACE INTO sounds VALUES ({places})", self._unwritten
            )
        self._unwritten.clear()


def _decoded_of(values: Sequence[Any]) -> Decoded:
    reason, *between, notes = values
    read = () if notes == "[]" else tuple(NoteText(Note(n), text) for n, text in json.loads(notes))
    return Decoded(*(reason and Reason(reason), *between, read))


def _open(path: Path) -> sqlite3.Connection:
    address = path.absolute().as_uri()
    if not has_locks(path.parent, of_parts=True):
        address += "?vfs=unix-dotfile"  # a file for each lock
    rows = sqlite3.connect(address, timeout=60, uri=True)
    try:
        if _version_of(rows) != VERSION:
            _make_table(rows)
        (state,) = rows.execute("PRAGMA quick_check(1)").fetchone()
        if state != "ok":
            raise sqlite3.DatabaseError(state)
    except sqlite3.Error:
        rows.close()
        raise
    return rows


def _version_of(rows: sqlite3.Connection) -> int:
    (version,) = rows.execute("PRAGMA user_version").fetchone()
    return int(version)


def _make_table(rows: sqlite3.Connection) -> None:
    rows.execute("BEGIN IMMEDIATE")  # another process may be about to do the same
    with rows:
        if _version_of(rows) != VERSION:
            rows.execute("DROP TABLE IF EXISTS sounds")
            rows.execute(
                f"CREATE TABLE sounds ({', '.join(COLUMNS)}, PRIMARY KEY (path, settings))"
            )
            rows.execute(f"PRAGMA user_version = {VERSION}")
