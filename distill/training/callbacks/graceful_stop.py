"""a stop request → a saved run, after the step that is under way."""

from __future__ import annotations

import logging
from signal import Signals
from typing import Any

import lightning

from distill.training.callbacks.bundle_checkpoint import BundleCheckpoint
from distill.training.interrupt import RunStopped, StopRequest
from distill.training.ranks.agreement import largest

log = logging.getLogger(__name__)


class GracefulStop(lightning.Callback):
    """Saves `last` and leaves the fit once a stop is requested, of whichever rank."""

    def __init__(self, request: StopRequest) -> None:
        self.request = request

    def on_train_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Lightning's own handlers would leave the fit without saving."""
        self.request.arm()

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Act on the request after each step."""
        if batch_idx + 1 >= trainer.num_training_batches:
            return  # the epoch ends and saves by itself; the request is met at the next one's start
        signal = self._signal(trainer)
        if signal is None:
            return
        log.info("%s: stopping after this step", Signals(signal).name)
        for callback in trainer.checkpoint_callbacks:
            if isinstance(callback, BundleCheckpoint) and callback.monitor is None:
                callback.save_now(trainer)
        raise RunStopped(signal)

    def on_train_epoch_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Between epochs everything is saved already."""
        signal = self._signal(trainer)
        if signal is not None:
            log.info("%s: stopping between two epochs", Signals(signal).name)
            raise RunStopped(signal)

    def _signal(self, trainer: lightning.Trainer) -> int | None:
        return int(largest(trainer, self.request.signal or 0)) or None
