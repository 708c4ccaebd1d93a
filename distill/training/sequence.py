"""the stages of a run → completed, then trained and closed one after the other."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from distill.model.sizing import Choice
from distill.runs.progress import ProgressFile
from distill.runs.rows import ChoiceRow, PlanRow
from distill.runs.summary import Summary
from distill.system.terminal import say_figures
from distill.training.budget import Sounds, Timetable, share_minutes, timetable
from distill.training.closing import close_stage
from distill.training.folder import restore_folder
from distill.training.ranks.processes import is_first
from distill.training.saved import Saved
from distill.training.session import Session, train_stage
from distill.training.stage import Stage

log = logging.getLogger(__name__)


def complete_stages(
    stages: Sequence[Stage[Any]],
    progress: ProgressFile,
    *,
    saved: Mapping[str, Saved | None] | None = None,
    begun: Collection[str] = (),
) -> Timetable:
    """Complete the settings of all stages; write and print what was chosen, and how long it will
    take. `saved` says how far each is; those that are `begun` have the weights of a model.
    """
    first, names = stages[0], [stage.name for stage in stages]
    config, source, data = first.config, first.source, first.data
    sounds = Sounds(source.files, source.duration_s, data.epoch_segments)
    shared = share_minutes(config, sounds, names, shorter=begun)
    for stage in stages:
        mine = [choice for name, choice in shared.items() if name == stage.name]
        for choice in [*mine, *stage.complete()]:
            tell_choice(choice, stage.name, progress)
    elapsed_s = {name: each.elapsed_s for name, each in (saved or {}).items() if each}
    result = timetable(config, sounds, names, elapsed_s=elapsed_s)
    if result.total_s is not None:
        progress.write(PlanRow(result.total_s))
        say_figures(result.line())
    return result


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
