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
        left_s = newest.left_in_all_s if newest else None  # the prior comes last
        when = f"; it is ready in about {duration(left_s)}" if left_s is not None else ""
        return f"its prior {what} by the run {from_here(run_dir)}{when}"
    return ""
