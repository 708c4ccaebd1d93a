"""rows, call after call → one page for all of them: `listen.html`, its sounds in `listen_files`."""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from distill.audio.own_output import PAGE_MARK, PAGE_ROWS
from distill.listen.page import draw_page
from distill.listen.rows import Row, badness, worst_first
from distill.listen.takes import write_scripts
from distill.system.atomic import write_text
from distill.system.paths import from_here
from distill.system.validation import InvalidError, instance_of

FILES = "listen_files"
"""The folder beside the page; browsers keep such a folder together with its page."""
PAGE = "listen.html"
MOST_ROWS = 200
MOST_NAMES = 99
LARGEST_BYTES = 1 << 24
VERSION = 1
OWN_NAME = re.compile(r"[\w+-]+-[0-9a-f]{8}_[a-z]+\.[a-z0-9]+")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Saved:
    """The content of the file of rows."""

    version: int
    rows: tuple[Row, ...]


class ListeningPage:
    """The page of a folder. It keeps the rows of earlier calls, unless it `is_new`, and of all rows
    the worst ones.
    """

    def __init__(self, folder: Path, *, is_new: bool = False) -> None:
        self.folder = folder
        self.files = folder / FILES
        before = read_rows(folder)
        self._rows = {row.file: row for row in before if not is_new and row.is_in(folder)}
        self._named = _paths(before)
        """The files of all rows that there were."""

    def make_files_folder(self) -> None:
        """Make the folder for the sounds and pictures, with its mark. Raises OSError."""
        self.files.mkdir(parents=True, exist_ok=True)
        if not (self.files / PAGE_ROWS).exists():
            self._save([])

    def name(self, key: str, kind: str, suffix: str) -> str:
        """A file's path seen from the page, such as `listen_files/kick-1f0c99b2_original.wav`: the
        same for the same key and kind, and short whatever the key is.
        """
        stem = re.sub(r"[^\w+-]+", "_", Path(key).stem, flags=re.ASCII).strip("_")[:40] or "sound"
        digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:8]
        return f"{FILES}/{stem}-{digest}_{kind}{suffix}"

    def takes(self, file: str, figures: Mapping[str, float]) -> bool:
        """Whether a result with these figures is among the worst, which the page shows."""
        others = [badness(row.figures) for row in self._rows.values() if row.file != file]
        return len(others) < MOST_ROWS or badness(figures) > min(others)

    def add(self, row: Row) -> None:
        """Add a row, in place of an earlier one for the same file, or of the best result."""
        self._rows[row.file] = row
        self._named |= row.paths
        if len(self._rows) > MOST_ROWS:
            del self._rows[worst_first(self._rows.values())[-1].file]

    @property
    def is_full(self) -> bool:
        """Whether the page has as many rows as it may: there may have been more results."""
        return len(self._rows) == MOST_ROWS

    def write(self, intro: Sequence[str]) -> Path | None:
        """Write the page, and delete the files of rows that are no longer on it; return its path,
        or None without a row. `intro` are sentences to stand above the rows. Raises OSError.

        A `listen.html` that distill did not write stays; the page is `listen-2.html` then.
        """
        rows = worst_first(self._rows.values())
        if not rows:
            return None
        path = _free_name(self.folder)
        self._save(rows)
        write_text(path, draw_page(rows, intro, write_scripts(self.files, rows)))
        for dropped in self._named - _paths(rows):
            self._delete(dropped)
        return path

    def _delete(self, path: str) -> None:
        """Delete a file if it is a sound or picture of the page, not a result."""
        folder, _, name = path.rpartition("/")
        if folder == FILES and OWN_NAME.fullmatch(name):
            with suppress(OSError):
                (self.files / name).unlink()

    def _save(self, rows: Sequence[Row]) -> None:
        values = {"version": VERSION, "rows": [_without_null(row) for row in rows]}
        write_text(self.files / PAGE_ROWS, json.dumps(values, indent=1))


def invitation(page: Path) -> str:
    """The line that says where a page is."""
    return f"to listen, open in a browser: {from_here(page)}"


def _without_null(row: Row) -> dict[str, object]:
    return {key: value for key, value in asdict(row).items() if value is not None}


def read_rows(folder: Path) -> list[Row]:
    """The rows of the page that is in the folder. None if the file of rows is damaged: the results
    are still there, and the page begins anew.
    """
    path = folder / FILES / PAGE_ROWS
    try:
        if path.stat().st_size > LARGEST_BYTES:
            return []
        saved = instance_of(_Saved, json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return []
    except (OSError, ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, InvalidError) else type(error).__name__
        log.info("%s: begun anew, it cannot be read: %s", path, reason)
        return []
    return [row for row in saved.rows if row.takes]


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
