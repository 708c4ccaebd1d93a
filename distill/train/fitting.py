"""settings as values of Python → a run, done in this process, and what it has left."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from distill.bundle.loading import load_bundle
from distill.codec.level_health import SideHealth
from distill.errors import ConfigError
from distill.runs.folder import checkpoint_path, newest_bundle
from distill.runs.progress import read_progress
from distill.runs.rows import EpochRow
from distill.runs.summary import Summary, read_summary
from distill.settings.compose import Settings, compose_settings
from distill.settings.given import words_of
from distill.settings.run_log import guest_log
from distill.settings.schema import FOLDERS, STAGES
from distill.system.paths import from_here
from distill.train.guest import as_a_guest
from distill.train.running import do_run, plan_run
from distill.training.interrupt import RunStopped

if TYPE_CHECKING:
    from distill.bundle.loaded import LoadedModel
    from distill.codec.description import LevelHealth

Folders = str | Path | Sequence[str | Path] | None
Curves = dict[str, list[float]]


@dataclass(frozen=True, repr=False)
class FittedRun:
    """What a run has left."""

    folder: Path
    """Of the run; to go on with it: `distill.fit(resume=run.folder)`."""
    stopped: bool
    """Whether it was stopped before its end; what it saved is there."""

    def __repr__(self) -> str:
        stages = self.summary.stages.values() if self.summary else ()
        verdicts = "".join(f"; {stage.stage}: {stage.verdict}" for stage in stages)
        how = "stopped" if self.stopped else "finished"
        return f"FittedRun({from_here(self.folder)}, {how}{verdicts})"

    @cached_property
    def model(self) -> LoadedModel | None:
        """The run's best model, or what there is of it; None if nothing was saved."""
        path = newest_bundle(self.folder)
        return None if path is None else load_bundle(path)

    @cached_property
    def summary(self) -> Summary | None:
        """Figures, verdict and warnings of each stage; None if none has ended."""
        return read_summary(self.folder)

    @cached_property
    def histories(self) -> dict[str, Curves]:
        """Stage → figure, such as `val/mel_db` → one number for each epoch."""
        found = {stage: self._history(stage) for stage in STAGES}
        return {stage: curves for stage, curves in found.items() if curves}

    @property
    def history(self) -> Curves:
        """The same of the first stage that the run has trained, which is usually the codec; empty
        if there is none. `pandas.DataFrame(run.history)` has a row for each epoch.
        """
        return next(iter(self.histories.values()), {})

    @property
    def health(self) -> dict[str, LevelHealth]:
        """`level_0`, ..., `low_0`, ... → health of the level, of the model's weights."""
        return self.model.health if self.model else {}

    @property
    def levels(self) -> list[dict[str, Any]]:
        """For each epoch and codebook level, `epoch`, `level`, `utilization`, `perplexity` and
        `dead_codes` of the weights then: `pandas.DataFrame(run.levels)`.
        """
        return [
            {"epoch": row.epoch, "level": level, **figures}
            for row in read_progress(self.folder)
            if isinstance(row, EpochRow) and "health" in row.details
            for level, figures in SideHealth.from_plain(row.details["health"]).snapshot().items()
        ]

    def _history(self, stage: str) -> Curves:
        path = checkpoint_path(self.folder, stage, "last")
        if not path.is_file():
            return {}
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        curves: Curves = state["distill"]["history"]
        return curves


def fit(folder: Folders, settings: Mapping[str, Any]) -> FittedRun:
    """Do one run, as `distill.fit` says."""
    composed = compose_fit(folder, settings)
    stop: int | None = None
    with as_a_guest():
        run = plan_run(composed)
        with guest_log(composed, run.run_dir):
            try:
                do_run(run)
            except RunStopped as stopped:
                stop = stopped.exit_code - 128
    if stop not in (None, signal.SIGINT):
        signal.raise_signal(stop)  # the process was asked to end, not only the run
    return FittedRun(run.run_dir, stopped=stop is not None)


def compose_fit(folder: Folders, settings: Mapping[str, Any]) -> Settings:
    """The checked settings of a run; raises DistillError for the first mistake."""
    words = words_of(settings)
    if folder is not None:
        if any(word.startswith(f"{FOLDERS}=") for word in words):
            raise ConfigError(FOLDERS, folder, "name the folders of sounds in one place only")
        words += words_of({FOLDERS: folder})
    return compose_settings(words, sweep=False)
