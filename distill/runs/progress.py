"""rows of a run ↔ `progress.jsonl` in its folder: one JSON object in each line, appended.

`read_row` is the only place that decides what is a row: every reader gets rows by their type.
"""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distill.runs.rows import Row, plain_values, row_of
from distill.system.json_values import parse_object, without_nan
from distill.system.run_parts import PROGRESS
from distill.system.validation import InvalidError, instance_of

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Written:
    """A row as it stands in the file."""

    time_s: float
    """When it was written, in Unix time."""
    row: Row


class ProgressFile:
    """Records how far a run is, for the dashboard and others; the run itself does not need it."""

    def __init__(self, run_dir: Path | None) -> None:
        """Without a folder, as on every rank except the first, rows are not written."""
        self._path = run_dir and run_dir / PROGRESS
        self._refused = False

    def write(self, row: Row) -> None:
        """Append a row with the current time; a full disk is reported once."""
        if self._path is None or self._refused:
            return
        value = {"time_s": round(time.time(), 3), **plain_values(row)}
        line = json.dumps(without_nan(value), ensure_ascii=True)
        try:
            with self._path.open("a+b") as file:
                start = b"" if _ends_whole(file) else b"\n"  # after a row cut off by a kill
                file.write(start + line.encode() + b"\n")
        except OSError as error:
            self._refused = True
            log.warning("%s: cannot be written any more: %s", self._path, error.strerror)


def read_row(line: str | bytes) -> Written | None:
    """A line of the file → its row; None for what distill did not write, or only in part."""
    values = parse_object(line)
    try:
        return Written(instance_of(_Stamp, values).time_s, row_of(values))
    except InvalidError:
        return None


def read_progress(run_dir: Path) -> list[Row]:
    """All rows of a run so far, oldest first; empty if there is no file."""
    try:
        lines = (run_dir / PROGRESS).read_bytes().splitlines()
    except FileNotFoundError:
        return []
    return [written.row for line in lines if (written := read_row(line))]


@dataclass(frozen=True)
class _Stamp:
    """The key that each row has beside its own."""

    time_s: float


def _ends_whole(file: Any) -> bool:
    if file.seek(0, 2) == 0:
        return True
    file.seek(-1, 2)
    return bool(file.read(1) == b"\n")
