"""rows of a run ↔ `progress.jsonl` in its folder: one JSON object in each line, appended."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from distill.runs.rows import Row, plain_values
from distill.system.json_values import without_nan

NAME = "progress.jsonl"
log = logging.getLogger(__name__)


class ProgressFile:
    """Records how far a run is, for the dashboard and others; the run itself does not need it."""

    def __init__(self, run_dir: Path | None) -> None:
        """Without a folder, as on every rank except the first, rows are not written."""
        self._path = run_dir and run_dir / NAME
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


def read_progress(run_dir: Path) -> list[dict[str, Any]]:
    """All complete rows of a run so far, oldest first; empty if there is no file."""
    try:
        lines = (run_dir / NAME).read_bytes().splitlines()
    except FileNotFoundError:
        return []
    return rows_of(lines)


def rows_of(lines: Iterable[bytes]) -> list[dict[str, Any]]:
    """Lines of the file → their rows; what is not a whole row is left out."""
    rows = []
    for line in lines:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):  # half-written: by a process at work, or a killed one
            continue
        if isinstance(row, dict):
            rows.append(row)
    return rows


def _ends_whole(file: Any) -> bool:
    if file.seek(0, 2) == 0:
        return True
    file.seek(-1, 2)
    return bool(file.read(1) == b"\n")
