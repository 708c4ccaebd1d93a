"""what the harness knows of a stage of a run, whatever the stage trains.

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
from distill.training.steps.schedule import Limits


@dataclass(frozen=True)
class Choice:
    """A setting that the collection or the machine decided, and why."""

    key: str
    value: float | str
    reason: str
    is_detail: bool = False
    """Whether it is of no interest on the terminal: it is in the log and in `progress.jsonl`."""


@dataclass(frozen=True)
class Judgement:
    """What became of a stage: a verdict in plain words, and figures of its own for the summary."""

    verdict: str
    details: Mapping[str, Any] = field(default_factory=dict)
    """Plain values."""


class Stage(ABC):
    """One part of a model that a run trains: what it needs, what it does, and what it leaves."""

    name: ClassVar[str]
    """As `stages=` has it, and as its module's `stage`."""
    monitor: ClassVar[str]
    """The held-out figure that chooses the best epoch; lower is better."""

    def __init__(self, config: TrainConfig, source: Any, data: Any, bundle: Path) -> None:
        """The run's configuration, what is said of its sounds, their segments, and the path of the
        best bundle, on which a later stage builds: it is there once `module` is called.
        """
        self.config, self.source, self.data, self.bundle = config, source, data, bundle

    @staticmethod
    @abstractmethod
    def limits(config: TrainConfig) -> Limits:
        """How long it trains, and when it gives up; None where nothing limits it or is known."""

    @abstractmethod
    def complete(self) -> list[Choice]:
        """Fill in, in place, what the configuration leaves open; what was chosen and why."""

    @abstractmethod
    def module(self) -> StageModule:
        """The module to train; called after `complete`."""

    @abstractmethod
    def data_module(self) -> lightning.LightningDataModule:
        """The batches that the module takes."""

    def callbacks(self, run_dir: Path) -> list[lightning.Callback]:
        """Callbacks of this stage alone."""
        return []

    @abstractmethod
    def judge(self, module: StageModule, *, finished: bool) -> Judgement:
        """What became of it."""

    def addition(self, module: StageModule) -> dict[str, Any]:
        """Keys that the bundle gets once the stage has ended, from the best weights.

        Empty for the codec, whose bundles are written at each save, and for a stage that is not
        worth keeping.
        """
        return {}
