"""the runs of a model → what one that is at work says of the prior that it trains."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from distill.runs.folder import is_locked
from distill.runs.progress import read_progress
from distill.runs.rows import EpochRow, StartRow, StepRow
from distill.system.paths import from_here
from distill.system.terminal import duration

PRIOR = "prior"


def coming_prior(run_dirs: Iterable[Path]) -> str:
    """`its prior is being trained by the run outputs/train/...; it is ready in about 3:10`; empty
    where none of the runs is on its way to a prior.
    """
    for run_dir in filter(is_locked, run_dirs):
        start: StartRow | None = None
        newest: StepRow | EpochRow | None = None
        for row in read_progress(run_dir):
            if isinstance(row, StartRow):
                start, newest = row, None
            elif isinstance(row, StepRow | EpochRow):
                newest = row
        if start is None or PRIOR not in start.stages:
            continue
        stage = newest.stage if newest else start.stages[0]
        what = "is being trained" if stage == PRIOR else f"is trained next, after its {stage},"
        left_s = _left_s(start, newest, stage)
        when = f"; it is ready in about {duration(left_s)}" if left_s is not None else ""
        return f"its prior {what} by the run {from_here(run_dir)}{when}"
    return ""


def _left_s(start: StartRow, newest: StepRow | EpochRow | None, stage: str) -> float | None:
    """The time until the prior is there; None if that is not known."""
    left_s = newest.left_s if newest else None
    if left_s is None or stage not in start.stages:
        return None
    for later in start.stages[start.stages.index(stage) + 1 : start.stages.index(PRIOR) + 1]:
        minutes = start.setting(later, "max_minutes")
        if not isinstance(minutes, int | float):
            return None
        left_s += 60 * minutes
    return left_s
