"""a run's `progress.jsonl`, as far as it is written → its figures and curves, read once each."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from distill.runs.progress import NAME, rows_of

CURVES = {
    "train/loss": "train",
    "val/loss": "validation",
    "train/reconstruction": "reconstruction",
    "train/commitment": "commitment",
}
"""The figures of an epoch that are drawn, and what their lines are called."""
MOST_NEWS = 100
MOST_EPOCHS = 1_000_000
LARGEST_READ = 1 << 24
ODD = (TypeError, ValueError, KeyError, AttributeError, OverflowError)
"""What a row that distill did not write may lead to."""


@dataclass
class StageRecord:
    """What is known of one stage."""

    curves: dict[str, list[float | None]] = field(default_factory=dict)
    """Line → a value for each epoch."""
    epoch: dict[str, Any] = field(default_factory=dict)
    """The row of the newest epoch."""
    news: list[tuple[int, str]] = field(default_factory=list)
    """Epoch and text, oldest first."""
    summary: dict[str, Any] | None = None
    """What became of it; None until it ends."""

    def add_epoch(self, row: dict[str, Any]) -> None:
        """Take in an epoch; one that was trained already, before a kill, takes its place."""
        number = _whole(row.get("epoch"))
        figures = row.get("figures")
        if not 1 <= number <= MOST_EPOCHS or not isinstance(figures, dict):
            return
        for key, line in CURVES.items():
            curve = self.curves.setdefault(line, [])
            del curve[number - 1 :]
            curve.extend([None] * (number - 1 - len(curve)))
            value = figures.get(key)
            curve.append(float(value) if isinstance(value, int | float) else None)
        news = [(number, str(text)) for text in row.get("news") or []]
        self.news = [(epoch, text) for epoch, text in self.news if epoch < number] + news
        del self.news[:-MOST_NEWS]
        self.epoch = row


class ProgressRecord:
    """The rows of a run, taken in as they come."""

    def __init__(self, run_dir: Path) -> None:
        self._path = run_dir / NAME
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self._read, self._rest, self._inode = 0, b"", 0
        self.rows = 0
        """How many rows there were; each tick that finds a new one has something to show."""
        self.begun_s: float | None = None
        """Unix time of the first row."""
        self.start: dict[str, Any] = {}
        self.process = -1, 0.0
        """The newest process, and when it began (Unix time)."""
        self.sounds: dict[str, Any] = {}
        self.choices: dict[tuple[str, str], dict[str, Any]] = {}
        self.stages: dict[str, StageRecord] = {}
        self.stage = ""
        """The newest stage that has trained."""
        self.step: dict[str, Any] = {}
        """The newest row of a step or epoch."""
        self.end: dict[str, Any] | None = None

    def update(self) -> None:
        """Read what is new in the file; a file that was replaced is read again."""
        try:
            status = os.stat(self._path)
        except OSError:
            if self.rows:
                self.forget()
            return
        if status.st_size < self._read or (self._inode and status.st_ino != self._inode):
            self.forget()
        self._inode = status.st_ino
        if status.st_size == self._read:
            return
        try:
            with open(self._path, "rb") as file:
                file.seek(self._read)
                new = file.read(LARGEST_READ)
        except OSError:  # deleted a moment ago, or not to be read
            return
        self._read += len(new)
        *lines, self._rest = (self._rest + new).split(b"\n")
        for row in rows_of(lines):
            with suppress(*ODD):
                self._take(row)

    def _take(self, row: dict[str, Any]) -> None:
        self.rows += 1
        event, stage = row.get("event"), str(row.get("stage") or "")
        if self.begun_s is None and math.isfinite(time_s := float(row.get("time_s", math.nan))):
            self.begun_s = time_s
        if event == "start":
            if isinstance(row["settings"], dict) and isinstance(row["stages"], list):
                self.process = int(row["pid"]), float(row["pid_started_s"])
                self.start, self.end, self.step = row, None, {}
        elif event == "sounds":
            self.sounds = row
        elif event == "choice":
            self.choices[stage, str(row.get("key"))] = row
        elif event in ("step", "epoch"):
            self.stage, self.step = stage, row
            if event == "epoch":
                self._of(stage).add_epoch(row)
            else:
                self._of(stage).summary = None
        elif event == "stage":
            summary = row.get("summary")
            self._of(stage).summary = summary if isinstance(summary, dict) else {}
        elif event == "end":
            self.end = row

    def _of(self, stage: str) -> StageRecord:
        return self.stages.setdefault(stage, StageRecord())


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
