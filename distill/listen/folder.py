"""rows, call after call → one page for all of them: `listen.html`, its sounds in `listen_files`."""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from distill.audio.own_output import PAGE_MARK, PAGE_ROWS
from distill.listen.page import draw_page, which_of
from distill.listen.rows import Row, badness, newest_first, worst_first
from distill.listen.takes import write_scripts
from distill.system.atomic import write_text
from distill.system.locks import hold
from distill.system.names import file_part
from distill.system.paths import from_here
from distill.system.validation import InvalidError, instance_of

FILES = "listen_files"
"""The folder beside the page; browsers keep such a folder together with its page."""
PAGE = "listen.html"
LOCK = ".distill.lock"
PATIENCE_S = 120.0
MOST_ROWS = 200
"""Of results with figures, and of those without."""
MOST_NAMES = 99
LARGEST_BYTES = 1 << 24
VERSION = 1
OWN_NAME = re.compile(r".+-[0-9a-f]{8}_[a-z]+\.[a-z0-9]+")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Saved:
    """The content of the file of rows."""

    version: int
    rows: tuple[Row, ...] = ()
    others: tuple[str, ...] = ()
    """Results that are not on the page, as many names as there is room for."""
    more: int = 0
    """How many others there are."""


class ListeningPage:
    """The page of a folder. It keeps the rows of earlier calls, unless it `is_new`. Of results with
    figures it shows the worst, of those without the newest.
    """

    def __init__(self, folder: Path, *, is_new: bool = False) -> None:
        self.folder = folder
        self.files = folder / FILES
        self._is_new = is_new
        before = _read(folder)
        self._rows = {} if is_new else _rows_of(before, folder)
        self._call = 1 + max((row.call for row in before.rows), default=0)
        self._others: dict[str, None] = {}
        self._dropped: set[str] = set()
        """Files of rows of this call that are no longer shown."""
        self.note = ""
        """What the page does not show, in words; empty before it is written, and if it shows all.
        """

    def make_files_folder(self) -> None:
        """Make the folder for the sounds and pictures, with its mark. Raises OSError."""
        self.files.mkdir(parents=True, exist_ok=True)
        if not (self.files / PAGE_ROWS).exists():
            with suppress(FileExistsError):  # another process did
                self._save(_Saved(VERSION), replace=False)

    def name(self, key: str, kind: str, suffix: str) -> str:
        """A file's path seen from the page, such as `listen_files/kick-1f0c99b2_original.wav`: the
        same for the same key and kind, and short whatever the key is.
        """
        stem = file_part(Path(key).stem, gap="_", longest=40, empty="sound")
        digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:8]
        return f"{FILES}/{stem}-{digest}_{kind}{suffix}"

    def takes(self, file: str, figures: Mapping[str, float]) -> bool:
        """Whether the page shows a result with these figures, or without any, by what is known so
        far; one that it does not show is counted.
        """
        others = [row for row in self._rows.values() if row.file != file]
        if figures:
            ranked = [badness(row.figures) for row in others if row.figures]
            takes = len(ranked) < MOST_ROWS or badness(figures) > min(ranked)
        else:
            of_this = sum(1 for row in others if row.call == self._call and not row.figures)
            takes = of_this < MOST_ROWS
        if not takes:
            self._others[file] = None
        return takes

    def add(self, row: Row) -> None:
        """Add a row, in place of an earlier one for the same file, or of another result."""
        self._rows[row.file] = replace(row, call=self._call)
        for other in _shown_and_not(self._rows)[1]:
            del self._rows[other.file]
            if other.call == self._call:
                self._others[other.file] = None
                self._dropped |= other.paths

    def write(self, intro: Sequence[str]) -> Path | None:
        """Write the page, and delete the files of rows that are no longer on it; return its path,
        or None if this call has no result. `intro` are sentences to stand above the rows. Raises
        OSError.

        What other processes have added to it in the meantime stays. A `listen.html` that distill
        did not write stays, too; the page is `listen-2.html` then.
        """
        if not self._others and all(row.call < self._call for row in self._rows.values()):
            return None
        with hold_folder(self.folder):
            return self._write(intro)

    def _write(self, intro: Sequence[str]) -> Path:
        before, added = _read(self.folder), self._call
        call = 1 + max((row.call for row in before.rows), default=0)
        own = {f: replace(row, call=call) for f, row in self._rows.items() if row.call == added}
        kept = {} if self._is_new else _rows_of(before, self.folder)
        rows = {**{f: row for f, row in kept.items() if f not in self._others}, **own}
        shown, left_out = _shown_and_not(rows)
        is_shown = {row.file for row in shown}
        names = dict.fromkeys([*before.others, *self._others, *(row.file for row in left_out)])
        others = [
            name
            for name in names
            if name not in is_shown and not self._is_new and (self.folder / name).is_file()
        ]
        room = LARGEST_BYTES // 2 // (6 * max(map(len, others), default=0) + 8)  # escaped, in JSON
        count = len(others) + (0 if self._is_new else before.more)
        path = _free_name(self.folder)
        named = tuple(others[:room])
        self._save(_Saved(VERSION, tuple(shown), named, count - len(named)))
        write_text(path, draw_page(shown, intro, write_scripts(self.files, shown), others=count))
        self.note = f"with {which_of(shown, count)}; the others are beside it" * bool(count)
        gone = _paths(before.rows) | _paths(left_out) | self._dropped
        for dropped in gone - _paths(shown):
            self._delete(dropped)
        return path

    def _delete(self, path: str) -> None:
        """Delete a file if it is a sound or picture of the page, not a result."""
        folder, _, name = path.rpartition("/")
        if folder == FILES and OWN_NAME.fullmatch(name):
            with suppress(OSError):
                (self.files / name).unlink()

    def _save(self, saved: _Saved, *, replace: bool = True) -> None:
        rows = [_without_null(row) for row in saved.rows]
        values = {**vars(saved), "rows": rows}
        write_text(self.files / PAGE_ROWS, json.dumps(values, indent=1), replace=replace)


def hold_folder(folder: Path) -> AbstractContextManager[None]:
    """For the time in which a page or list in the folder is read, extended and written. Raises
    OSError.
    """
    return hold(folder / LOCK, timeout_s=PATIENCE_S, keep=False)


def invitation(page: Path, note: str = "") -> str:
    """The line that says where a page is, and what it does not show."""
    return f"to listen, open in a browser: {from_here(page)}" + (f" ({note})" if note else "")


def _shown_and_not(rows: Mapping[str, Row]) -> tuple[list[Row], list[Row]]:
    """The rows that a page shows, in their order, and the others."""
    made = newest_first(row for row in rows.values() if not row.figures)
    ranked = worst_first(row for row in rows.values() if row.figures)
    return [*made[:MOST_ROWS], *ranked[:MOST_ROWS]], [*made[MOST_ROWS:], *ranked[MOST_ROWS:]]


def _without_null(row: Row) -> dict[str, object]:
    return {key: value for key, value in asdict(row).items() if value is not None}


def read_rows(folder: Path) -> list[Row]:
    """The rows of the page that is in the folder. None if the file of rows is damaged: the results
    are still there, and the page begins anew.
    """
    return list(_read(folder).rows)


def _read(folder: Path) -> _Saved:
    path = folder / FILES / PAGE_ROWS
    try:
        if path.stat().st_size > LARGEST_BYTES:
            return _Saved(VERSION)
        saved = instance_of(_Saved, json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return _Saved(VERSION)
    except (OSError, ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, InvalidError) else type(error).__name__
        log.info("%s: begun anew, it cannot be read: %s", path, reason)
        return _Saved(VERSION)
    return replace(saved, rows=tuple(row for row in saved.rows if row.takes))


def _rows_of(saved: _Saved, folder: Path) -> dict[str, Row]:
    """The rows of which every file is there, by result."""
    return {row.file: row for row in saved.rows if row.is_in(folder)}


def _paths(rows: Iterable[Row]) -> set[str]:
    """The files that any of the rows names."""
    return {path for row in rows for path in row.paths}


def _free_name(folder: Path) -> Path:
    """The first name for the page that is free, or is that of a page; raises FileExistsError if
    there is none.
    """
    for number in range(1, MOST_NAMES + 1):
        path = folder / (PAGE if number == 1 else f"listen-{number}.html")
        if _is_free(path):
            return path
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(folder / PAGE))


def _is_free(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(PAGE_MARK)) == PAGE_MARK.encode()
    except FileNotFoundError:
        return not path.is_symlink()
    except OSError:  # a folder, or a file that may not be read
        return False
