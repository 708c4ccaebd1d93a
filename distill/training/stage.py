"""the interface of a stage: all that the harness knows about what a run trains.

The harness (session, callbacks, checkpoints, resuming, stopping, progress) works with Stage and
StageModule alone. The codec is one stage; a vocoder or a prior is another.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import lightning

from distill.data.datamodule import SegmentDataModule
from distill.data.source import Source
from distill.model.sizing import Choice
from distill.settings.schema import TrainConfig
from distill.training.records.checkpoint_io import AtomicCheckpointIO
from distill.training.stage_module import StageModule
from distill.training.steps.schedule import StageLimits


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What a stage trains. A stage's own kind of it also holds what it needs at its end."""

    module: StageModule
    data: lightning.LightningDataModule
    """The batches that the module trains on."""
    callbacks: Sequence[lightning.Callback] = ()
    """Those that only this kind of stage has."""


@dataclass(frozen=True)
class Ended:
    """How the training of a stage ended."""

    finished: bool
    """False after a stop."""
    best: Path
    """The checkpoint of the best epoch; there is none if nothing was saved."""

    def load_best(self, module: StageModule) -> None:
        """Give the module the weights of its best epoch, if there is a checkpoint. Raises RunError
        where that is damaged.
        """
        if self.best.exists():
            module.load_state_dict(AtomicCheckpointIO().load_checkpoint(self.best)["state_dict"])


@dataclass(frozen=True)
class Closed:
    """How a stage turned out."""

    verdict: str
    """In plain words."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """Figures of this kind of stage alone, as plain values, for the summary."""
    addition: Mapping[str, Any] = field(default_factory=dict)
    """Keys to add to the bundle. Empty for the codec, whose bundles are written at each save, for a
    result that is not worth keeping, and after a stop.
    """
    page: Callable[[], Path | None] | None = None
    """Writes a page to listen to what the stage made, and returns its path; None if there is
    nothing to hear. It is called once, when the addition is in the bundle. Raises OSError or
    DistillError, which does not end the run.
    """


P = TypeVar("P", bound=Prepared)


class Stage(ABC, Generic[P]):
    """One part of a model that a run trains. First all stages of a run complete their settings;
    then each is prepared, trained and closed, one after the other.
    """

    name: ClassVar[str]
    """The word for it in `stages=`; the module's `stage` is the same."""
    monitor: ClassVar[str]
    """The held-out figure that chooses the best epoch; lower is better."""
    limits_in: ClassVar[str]
    """The group of settings that says how long it trains."""

    def __init__(
        self, config: TrainConfig, source: Source, data: SegmentDataModule, run_dir: Path
    ) -> None:
        """Keep the run's configuration, its sounds, their segments, and its folder: a later stage
        reads the best bundle there.
        """
        self.config, self.source, self.data, self.run_dir = config, source, data, run_dir

    @classmethod
    def limits(cls, config: TrainConfig) -> StageLimits:
        """How long the stage trains by settings that are complete. Steps that are not finite are
        met alike in all stages.
        """
        group, trainer = getattr(config, cls.limits_in), config.trainer
        return StageLimits(
            group.max_epochs, group.max_minutes, trainer.gradient_clip_val, trainer.max_bad_steps
        )

    @abstractmethod
    def complete(self) -> list[Choice[float | str]]:
        """Fill in what is null in the configuration, in place; return what was chosen and why."""

    @abstractmethod
    def prepare(self) -> P:
        """Make what is trained, from a configuration that is complete. Raises DistillError."""

    @abstractmethod
    def close(self, prepared: P, ended: Ended) -> Closed:
        """Judge how the stage turned out. Raises RunError if its best weights are damaged."""
