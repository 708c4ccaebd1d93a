"""settings of a sweep → its folder, its launcher, and the overrides for Hydra."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distill.errors import RunError
from distill.runs.folder import new_run_dir
from distill.settings.compose import Settings
from distill.settings.quoting import quote
from distill.sweep.search import trials_left

SWEEPS = Path("outputs/multirun")
SEARCH = ".OptunaSweeper"
"""The class of a sweeper that continues an earlier search of the same name, if it keeps that."""


@dataclass(frozen=True)
class SweepPlan:
    """A sweep that is about to start."""

    folder: Path
    launcher: str
    """The class of it: its name is that of a file, which may be somebody's own."""
    overrides: tuple[str, ...]
    """As typed, and some for Hydra itself."""


def plan_sweep(settings: Settings) -> SweepPlan:
    """Choose the sweep's folder; a search continues in the folder that it has.

    Raises DistillError if there is nothing to do.
    """
    if settings.config.resume is not None:
        raise RunError("resume= continues one run; it cannot be used in a sweep (-m)")
    name = settings.config.name or settings.config.data.collection_name
    launcher, sweeper = settings.hydra.launcher, settings.hydra.sweeper
    own: list[str] = []
    wanted: Path | None = None
    if sweeper._target_.endswith(SEARCH) and sweeper.storage is not None:
        study = sweeper.study_name or name
        own, wanted = _continue_search(sweeper, study), SWEEPS / study
    if "hydra.sweep.dir" in settings.typed:
        folder = Path(settings.hydra.sweep.dir)
    else:
        folder = wanted or new_run_dir(SWEEPS, name)
        own.append(f"hydra.sweep.dir={quote(str(folder))}")
    return SweepPlan(folder, launcher._target_.rpartition(".")[2], (*settings.overrides, *own))


def _continue_search(sweeper: Any, study: str) -> list[str]:
    """The overrides that make a search do the trials that are left."""
    left = trials_left(sweeper.storage, study, sweeper.n_trials)
    own = [f"hydra.sweeper.study_name={quote(study)}", f"hydra.sweeper.n_trials={left}"]
    if sweeper.sampler.get("seed") is not None:  # the same seed would repeat the first trials
        own.append(f"hydra.sweeper.sampler.seed={sweeper.sampler.seed + sweeper.n_trials - left}")
    return [*own, "hydra.sweep.subdir='${now:%Y-%m-%d_%H-%M-%S}_${hydra.job.num}'"]
