"""the interface of a stage: all that the harness knows about what a run trains.

The harness (session, callbacks, checkpoints, resuming, stopping, progress) works with Stage and
StageModule alone. The codec is one stage; a vocoder or a prior is another.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import lightning

from distill.settings.schema import TrainConfig
from distill.training.stage_module import StageModule
from distill.training.steps.schedule import StageLimits


@dataclass(frozen=True)
class ChosenSetting:
    """A setting that was chosen by the collection or the machine, and why."""

    key: str
    value: float | str
    reason: str
    is_detail: bool = False
    """Whether it is of no interest on the terminal: it is in the log and in `progress.jsonl`."""


@dataclass(frozen=True)
class Judgement:
    """How a stage turned out: a verdict in plain words, and figures for the summary."""

    verdict: str
    details: Mapping[str, Any] = field(default_factory=dict)
    """Figures of this kind of stage alone, as plain values."""


class Stage(ABC):
    """One part of a model that a run trains: its settings, module, data, verdict and result."""

    name: ClassVar[str]
    """The word for it in `stages=`; the module's `stage` is the same."""
    monitor: ClassVar[str]
    """The held-out figure that chooses the best epoch; lower is better."""
    limits_in: ClassVar[str]
    """The group of settings that says how long it trains."""

    def __init__(self, config: TrainConfig, source: Any, data: Any, bundle: Path) -> None:
        """Keep the run's configuration, its sounds, their segments, and the path of the best
        bundle, which a later stage reads: the file exists when `module` is called.
        """
        self.config, self.source, self.data, self.bundle = config, source, data, bundle

    @staticmethod
    @abstractmethod
    def limits(config: TrainConfig) -> StageLimits:
        """How long the stage trains, and how many bad steps end it; None for no limit."""

    @abstractmethod
    def complete(self) -> list[ChosenSetting]:
        """Fill in what is null in the configuration, in place; return what was chosen and why."""

    @abstractmethod
    def module(self) -> StageModule:
        """The module to train; called after `complete`."""

    @abstractmethod
    def data_module(self) -> lightning.LightningDataModule:
        """The data module with the batches that the module trains on."""

    def callbacks(self, run_dir: Path) -> list[lightning.Callback]:
        """Callbacks that only this kind of stage has."""
        return []

    @abstractmethod
    def judge(self, module: StageModule, *, finished: bool) -> Judgement:
        """Judge how the stage turned out; `finished` is false after a stop."""

    def write_page(self, module: StageModule, run_dir: Path, *, verdict: str) -> Path | None:
        """Write a page to listen to what the stage made, and return its path; None if there is
        nothing to hear. The module has its best weights, if any were saved.

        Raises OSError or DistillError, which does not end the run.
        """
        return None

    def addition(self, module: StageModule) -> dict[str, Any]:
        """Keys to add to the bundle when the stage has ended; the module has its best weights.

        Empty for the codec, whose bundles are written at each save, and for a stage whose result
        is not worth keeping.
        """
        return {}
