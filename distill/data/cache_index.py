"""what became of each file that was decoded ↔ rows of an SQLite file that outlive the process."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from distill.audio.reasons import Note, Reason

VERSION = 1
"""Of the table's columns; a table of another version is dropped, and its sounds decoded again."""


@dataclass(frozen=True)
class Decoded:
    """A file's place in the cache, or the reason why it has none."""

    reason: Reason | None = None
    """None: the file is in the cache."""
    detail: str = ""
    """Of the reason, or of the note."""
    content: str = ""
    """SHA-256 over the decoded mono samples and their rate: the same sound in another container has
    the same.
    """
    samples: int = 0
    source_rate_hz: int = 0
    channels: int = 0
    active: bytes = b""
    """One byte for each ACTIVITY_S: 1 where the file is louder than silence."""
    note: Note | None = None
    """What to know of a sound that is used all the same."""


COLUMNS = ["path", "settings", "size", "time_ns", *(field.name for field in fields(Decoded))]


class CacheIndex:
    """The rows of one cache's settings, by path, size and time of the file."""

    def __init__(self, path: Path, settings: str) -> None:
        """Open or make the index; a damaged one is made anew.

        Raises sqlite3.Error where it is busy for long, or closed to us.
        """
        self._settings = settings
        self._unwritten: list[tuple[str | int | bytes | None, ...]] = []
        try:
            self._rows = _open(path)
        except sqlite3.OperationalError:
            raise  # busy, or not ours to read: nothing to mend by deleting it
        except sqlite3.DatabaseError:  # damaged: it can be made again from the sounds
            path.unlink(missing_ok=True)
            self._rows = _open(path)

    def close(self) -> None:
        """Let go of the file; rows that were not flushed are saved if that is still possible."""
        with suppress(sqlite3.Error):
            self.flush()
        self._rows.close()

    def known(self) -> dict[tuple[str, int, int], Decoded]:
        """All rows of these settings by (path, size in bytes, time in ns)."""
        columns = ", ".join(name for name in COLUMNS if name != "settings")
        rows = self._rows.execute(
            f"SELECT {columns} FROM sounds WHERE settings = ?", (self._settings,)
        )
        return {(path, size, time_ns): _decoded_of(values) for path, size, time_ns, *values in rows}

    def remember(self, path: str, size: int, time_ns: int, decoded: Decoded) -> None:
        """Add or replace a row; `flush` makes it last."""
        values = {
            **vars(decoded),
            "reason": decoded.reason and decoded.reason.value,
            "note": decoded.note and decoded.note.value,
        }
        self._unwritten.append((path, self._settings, size, time_ns, *values.values()))

    def flush(self) -> None:
        """Make remembered rows last, all at once: the index is never locked while a file is
        decoded.
        """
        places = ", ".join("?" for _ in COLUMNS)
        with self._rows:
            self._rows.executemany(
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
