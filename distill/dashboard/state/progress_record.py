"""a run's `progress.jsonl`, as far as it is written → its figures and curves, read once each."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from pathlib import Path

from distill.runs.progress import Written, read_row
from distill.runs.rows import (
    ChoiceRow,
    EndRow,
    EpochRow,
    SoundsRow,
    StageRow,
    StartRow,
    StepRow,
)
from distill.runs.summary import StageSummary
from distill.system.run_parts import PROGRESS

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


@dataclass
class StageRecord:
    """What is known of one stage."""

    curves: dict[str, list[float | None]] = field(default_factory=dict)
    """Line → a value for each epoch."""
    epoch: EpochRow | None = None
    """The row of the newest epoch."""
    news: list[tuple[int, str]] = field(default_factory=list)
    """Epoch and text, oldest first."""
    summary: StageSummary | None = None
    """What became of it; None until it ends."""

    def add_epoch(self, row: EpochRow) -> None:
        """Take in an epoch; one that was trained already, before a kill, takes its place."""
        number = row.epoch
        if not 1 <= number <= MOST_EPOCHS:
            return
        for key, line in CURVES.items():
            curve = self.curves.setdefault(line, [])
            del curve[number - 1 :]
            curve.extend([None] * (number - 1 - len(curve)))
            value = row.figures.get(key, math.nan)
            curve.append(value if math.isfinite(value) else None)
        news = [(number, text) for text in row.news]
        self.news = [(epoch, text) for epoch, text in self.news if epoch < number] + news
        del self.news[:-MOST_NEWS]
        self.epoch = row


_Known = tuple[
    tuple[int, float],
    StartRow | None,
    EndRow | None,
    StepRow | EpochRow | None,
    SoundsRow | None,
    dict[tuple[str, str], ChoiceRow],
]


class ProgressRecord:
    """The rows of a run, taken in as they come."""

    def __init__(self, run_dir: Path) -> None:
        self._path = run_dir / PROGRESS
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self._read, self._rest, self._inode = 0, b"", 0
        self.rows = 0
        """How many rows there were; each tick that finds a new one has something to show."""
        self.begun_s: float | None = None
        """Unix time of the first row."""
        self.start: StartRow | None = None
        self.process = -1, 0.0
        """The newest process, and when it began (Unix time)."""
        self.sounds: SoundsRow | None = None
        self.choices: dict[tuple[str, str], ChoiceRow] = {}
        self.stages: dict[str, StageRecord] = {}
        self.stage = ""
        """The newest stage that has trained."""
        self.step: StepRow | EpochRow | None = None
        """The newest row of a step or epoch."""
        self.end: EndRow | None = None
        self._before = self._now()
        """What was known when the newest process began."""

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
        for line in lines:
            if written := read_row(line):
                self._take(written)

    def _take(self, written: Written) -> None:
        row = written.row
        self.rows += 1
        if self.begun_s is None:
            self.begun_s = written.time_s
        match row:
            case StartRow():
                self._before = self._now()
                self.process = row.pid, row.pid_started_s
                self.start, self.end, self.step = row, None, None
            case SoundsRow():
                self.sounds = row
            case ChoiceRow():
                self.choices[row.stage, row.key] = row
            case StepRow():
                self.stage, self.step = row.stage, row
                self._of(row.stage).summary = None
            case EpochRow():
                self.stage, self.step = row.stage, row
                self._of(row.stage).add_epoch(row)
            case StageRow():
                self._of(row.stage).summary = row.summary
            case EndRow(reason="unchanged"):
                self.process, self.start, self.end, self.step, self.sounds, self.choices = (
                    self._before
                )
            case EndRow():
                self.end = row

    def _now(self) -> _Known:
        known = self.process, self.start, self.end, self.step, self.sounds
        return *known, dict(self.choices)

    def _of(self, stage: str) -> StageRecord:
        return self.stages.setdefault(stage, StageRecord())
