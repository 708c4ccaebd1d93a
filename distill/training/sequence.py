"""the stages of a run → completed, then trained and closed one after the other."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from distill.model.sizing import Choice
from distill.runs.progress import ProgressFile
from distill.runs.rows import ChoiceRow
from distill.runs.summary import Summary
from distill.system.terminal import say_figures
from distill.training.closing import close_stage
from distill.training.folder import restore_folder
from distill.training.ranks.processes import is_first
from distill.training.saved import Saved
from distill.training.session import Session, train_stage
from distill.training.stage import Stage

log = logging.getLogger(__name__)


def complete_stages(stages: Sequence[Stage[Any]], progress: ProgressFile) -> None:
    """Complete the settings of all stages; write and print what was chosen."""
    for stage in stages:
        for choice in stage.complete():
            tell_choice(choice, stage.name, progress)


def tell_choice(choice: Choice[Any], stage: str, progress: ProgressFile) -> None:
    """Write and print what was chosen for a stage."""
    row = ChoiceRow(stage, choice.key, choice.value, choice.reason)
    progress.write(row)
    log.info(row.line())
    if not choice.is_detail:
        say_figures(row.line())


def train_stages(
    stages: Sequence[Stage[Any]], session: Session, left: Mapping[str, Saved | None]
) -> Summary | None:
    """Train each stage from where it is; return the summary of them all on the first rank, None on
    the others. Raises RunError if something could not be saved, RunStopped after a stop.
    """
    summary = None
    for number, stage in enumerate(stages, start=1):
        outcome = train_stage(stage, session, saved=left[stage.name])
        if is_first():
            outcome.failures.extend(restore_folder(session.run_dir, session.settings))
            after = [later.name for later in stages[number:]]
            summary = close_stage(stage, outcome, session, before=summary, after=after)
        if outcome.stopped:
            raise outcome.stopped
    return summary
