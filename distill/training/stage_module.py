"""batches → steps, epochs and figures: the base class of every stage's module."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, ClassVar

import lightning
import torch
from torch import Tensor, nn

from distill.errors import RunError
from distill.model.quantizer import NonFiniteError, require_finite
from distill.runs.history import History
from distill.runs.rows import EpochRow, Event
from distill.settings.schema import OptimizerConfig
from distill.training.ranks.agreement import agree_on_time, no_loss, require_same, sum_over_ranks
from distill.training.records.means import TermMeans
from distill.training.steps.finite import require_finite_weights
from distill.training.steps.schedule import RunClock, StageLimits, learning_rate
from distill.training.steps.seeding import seed_generators
from distill.training.steps.time_left import TimeLeft

log = logging.getLogger(__name__)


class StageModule(lightning.LightningModule, ABC):
    """Trains the network of one stage: skips steps that are not finite, closes epochs, and decides
    what a checkpoint and a bundle hold.

    All randomness of a step is a function of (seed, step), so a resumed run repeats it.
    """

    stage: ClassVar[str]
    """The word for it in `stages=`."""
    model: nn.Module
    terms: tuple[str, ...]
    """Names of the losses that `losses` returns."""
    makes_bundles: ClassVar[bool] = False
    """Whether the weights and `bundle_fields` are a complete bundle, as for the codec."""
    end_steps: ClassVar[float] = 1.0
    """How many steps the end of an epoch takes, before one was measured; see TimeLeft. Those of
    each stage were measured on instruments, in time of the processor.
    """
    closing_steps: ClassVar[float] = 1.0
    """The same for the closing of the stage."""

    def __init__(self, *, limits: StageLimits, optimizer: OptimizerConfig, seed: int) -> None:
        super().__init__()
        self.limits = limits
        self.optimizer_config = optimizer
        self.clock = RunClock(limits)
        self.time_left = TimeLeft(self.clock, end_steps=self.end_steps, closing_s=self.closing_s)
        self.after_s: float | None = 0.0
        """The time of the stages that come after this one; None if it is not known."""
        self.seed = seed
        self.history = History()
        self.events: list[Event] = []
        self.skipped_steps = 0
        self._skipped_in_a_row = 0
        self._skipping = False
        self._train_means = TermMeans(self.terms)
        self._stepped = False
        self.saved_fields: dict[str, Any] = {}
        """The `bundle_fields` of the newest checkpoint."""

    # To be defined by each kind of stage

    @abstractmethod
    def build(self) -> nn.Module:
        """Make the network; its weights come from torch's random generator, which is seeded."""

    @abstractmethod
    def losses(self, batch: Any) -> tuple[dict[str, Tensor], int]:
        """A training batch → named scalars, and the number of sounds that they are the mean of.

        `loss` is minimised; each scalar is logged as `train/NAME`. Raises NonFiniteError for a
        batch that must be skipped.
        """

    @abstractmethod
    def add_held_out(self, batch: Any) -> None:
        """Add a held-out batch to the epoch's figures."""

    @abstractmethod
    def close_held_out(self) -> dict[str, float]:
        """Return the held-out figures over all ranks, by the names they are logged with, and reset.

        Empty if there were no held-out batches.
        """

    @abstractmethod
    def bundle_fields(self) -> dict[str, Any]:
        """What a bundle holds of this stage besides the network's weights; plain values."""

    @property
    @abstractmethod
    def identity(self) -> object:
        """A value that must be equal on all ranks: the sounds, the sizes of the network."""

    @property
    def can_be_saved(self) -> bool:
        """Whether there is anything to save yet."""
        return True

    def closing_s(self, step_s: float) -> float:
        """How long the closing of the stage will likely take where a step takes `step_s`."""
        return self.closing_steps * step_s

    def check_trainable(self) -> None:
        """Raise RunError if the epoch cannot be closed; called before each validation."""

    def epoch_details(self) -> dict[str, Any]:
        """Plain values for the epoch's row besides its figures."""
        return {}

    def lines_of(self, row: EpochRow) -> list[str]:
        """An epoch's row as text for the terminal."""
        return row.lines()

    def metrics(self) -> dict[str, float]:
        """Figures for the loggers besides those in the history."""
        return {}

    def charts(self) -> dict[str, dict[str, Sequence[Any]]]:
        """Layout of TensorBoard's custom charts: group → chart → its curves."""
        return {"training and validation": {"loss": ["Multiline", ["train/loss", "val/loss"]]}}

    # The same for every stage

    def over_ranks(self, values: Tensor) -> Tensor:
        """The sum of the values of all ranks."""
        return sum_over_ranks(self.trainer, values)

    def report(self, text: str, *, is_warning: bool) -> Event:
        """Record an event of the current epoch."""
        event = Event(self.trainer.current_epoch + 1, text, is_warning)
        self.events.append(event)
        return event

    @property
    def left_s(self) -> float | None:
        """The time until the stage is closed; None if that is not known."""
        steps = int(self.trainer.num_training_batches)
        return self.time_left.seconds(self.step + 1, an_epoch=steps, is_trained=self.is_trained)

    @property
    def is_trained(self) -> bool:
        """Whether the stage's last step is done."""
        epochs, steps = self.limits.max_epochs, int(self.trainer.num_training_batches)
        all_epochs = epochs is not None and self.step + 1 >= epochs * steps
        return bool(self.trainer.should_stop) or all_epochs

    @property
    def step(self) -> int:
        """The current step, counted from 0, with the skipped ones."""
        return self.trainer.fit_loop.epoch_loop.total_batch_idx

    @property
    def progress(self) -> float:
        """The share of the stage that is done, 0 to 1."""
        return self.clock.progress(self.step + 1, int(self.trainer.num_training_batches))

    @property
    def several_ranks(self) -> bool:
        """Whether this process trains together with others."""
        return bool(self.trainer.world_size > 1)

    def configure_model(self) -> None:
        """Build the network: only now does the process group exist, which `build` asks about."""
        if not hasattr(self, "model"):
            torch.manual_seed(self.seed)
            self.model = self.build()

    def on_fit_start(self) -> None:
        """Check that all ranks train the same."""
        require_same(self.trainer, self.identity)

    def on_train_start(self) -> None:
        """Start the clock: what was prepared before the first step does not count."""
        self.clock.start()
        self.time_left.start(self.step + 1)
        agree_on_time(self.trainer, self.clock)

    def on_train_end(self) -> None:
        """Stop the clock: how the stage is judged and closed does not count either."""
        self.clock.stop()

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Seed the step's random numbers and set its learning rate."""
        self.time_left.begin_step()
        seed_generators((self.seed * 1_000_003 + self.step) % 2**63, self.device)
        rate = learning_rate(self.optimizer_config, step=self.step, progress=self.progress)
        for optimizer in self.trainer.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate

    def training_step(self, batch: Any, batch_idx: int) -> Tensor | None:
        """Loss of one batch, or None if it is skipped because something in it is not finite."""
        self._skipping = False
        try:
            losses, weight = self.losses(batch)
            require_finite(
                losses["loss"], "the loss is NaN or infinite", on_all_ranks=self.several_ranks
            )
        except NonFiniteError as error:
            self._skip(str(error))
            return no_loss(self.model) if self.several_ranks else None
        self._train_means.add(losses, weight)
        return losses["loss"]

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip the gradient's norm; remove a gradient that is not finite, so that the step changes
        nothing.
        """
        if self._skipping:  # no weight gets a gradient, so the step changes nothing
            optimizer.zero_grad(set_to_none=True)
            return
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.limits.gradient_clip_val)
        if not torch.isfinite(norm):
            optimizer.zero_grad(set_to_none=True)
            self._skip("the gradient is NaN or infinite")
        else:
            self._skipped_in_a_row = 0

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        """When the time is up, end the epoch here, and the stage with it."""
        if not self._stepped:
            self._stepped = True
            log.info("first step done")
        agree_on_time(self.trainer, self.clock)
        if self.clock.time_is_up:
            self.trainer.should_stop = True

    def on_validation_start(self) -> None:
        """Raise RunError if the weights are not finite: their figures would mean nothing."""
        self.time_left.end_epoch()
        self.check_trainable()
        require_finite_weights(self.model)

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        """Add a batch to the epoch's held-out figures."""
        self.add_held_out(batch)

    def on_validation_epoch_end(self) -> None:
        """Close the epoch: add its figures to the history, and log those that checkpoints watch."""
        held_out = self.close_held_out()
        if self.trainer.sanity_checking or not held_out:
            return
        trained = self._train_means.take(self.over_ranks)
        self.history.close_epoch({f"train/{name}": trained[name] for name in trained} | held_out)
        self.log_dict(self.history.last(), logger=False, sync_dist=True)
        agree_on_time(self.trainer, self.clock)
        if self.clock.time_is_nearly_up:
            self.trainer.should_stop = True

    def _skip(self, reason: str) -> None:
        self._skipping = True
        self.skipped_steps += 1
        self._skipped_in_a_row += 1
        log.warning("step %d skipped: %s", self.step, reason)
        require_finite_weights(self.model)
        if self._skipped_in_a_row >= self.limits.max_bad_steps:
            raise RunError(
                f"training stopped: {self._skipped_in_a_row} steps in a row were skipped, "
                f"the last because {reason}; "
                "try a lower optimizer.lr, and continue from the last checkpoint with resume="
            )

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add plain values that are needed to resume, and to make a bundle of the checkpoint."""
        self.saved_fields = self.bundle_fields()
        checkpoint["distill"] = {
            "bundle": self.saved_fields,
            "history": self.history.figures,
            "events": [asdict(event) for event in self.events],
            "elapsed_s": self.clock.elapsed_s,
            "train_means": self._train_means.state_dict(self.over_ranks),
            "skipped_steps": self.skipped_steps,
            "skipped_in_a_row": self._skipped_in_a_row,
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore the state of the stage."""
        state = checkpoint["distill"]
        self.history = History(state["history"])
        self.events = [Event(**event) for event in state["events"]]
        self.clock.elapsed_before_s = state["elapsed_s"]
        if self.trainer.is_global_zero:  # the saved means are the sum over all ranks
            self._train_means.load_state_dict(state["train_means"])
        self.skipped_steps = state["skipped_steps"]
        self._skipped_in_a_row = state["skipped_in_a_row"]
