"""results of decoding sound files ↔ rows of an SQLite file, for the next process."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from distill.audio.reasons import Note, Reason

VERSION = 1
"""Version of the table's columns; a table of another version is deleted, and its sounds are decoded
again.
"""


@dataclass(frozen=True)
class Decoded:
    """A file's place in the cache, or the reason why it has none."""

    reason: Reason | None = None
    """None if the file is in the cache."""
    detail: str = ""
    """Details of the reason or of the note."""
    content: str = ""
    """SHA-256 over the decoded mono samples and their rate; equal for the same sound in another
    file format.
    """
    samples: int = 0
    source_rate_hz: int = 0
    channels: int = 0
    active: bytes = b""
    """One byte for each ACTIVITY_S: 1 if it is louder than silence, else 0."""
    note: Note | None = None
    """What is unusual about a sound that is used all the same."""


COLUMNS = ["path", "settings", "size", "time_ns", *(field.name for field in fields(Decoded))]


class CacheIndex:
    """The rows that belong to one cache's settings, by path, size and time of the sound file."""

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

    def rows(self) -> dict[tuple[str, int, int], Decoded]:
        """All rows for these settings, by (path, size in bytes, time in ns)."""
        columns = ", ".join(name for name in COLUMNS if name != "settings")
        rows = self._database.execute(
            f"SELECT {columns} FROM sounds WHERE settings = ?", (self._settings,)
        )
        return {(path, size, time_ns): _decoded_of(values) for path, size, time_ns, *values in rows}

    def remember(self, path: str, size: int, time_ns: int, decoded: Decoded) -> None:
        """Add or replace a row; it is written to disk by `flush`."""
        values = {
            **vars(decoded),
            "reason": decoded.reason and decoded.reason.value,
            "note": decoded.note and decoded.note.value,
        }
        self._unwritten.append((path, self._settings, size, time_ns, *values.values()))

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
    reason, *between, note = values
    return Decoded(*(reason and Reason(reason), *between, note and Note(note)))


def _open(path: Path) -> sqlite3.Connection:
    rows = sqlite3.connect(path, timeout=60)
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
