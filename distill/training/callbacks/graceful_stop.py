"""a stop request → the current step is finished, the run is saved, and the fit ends."""

from __future__ import annotations

import logging
from signal import Signals
from typing import Any

import lightning

from distill.training.callbacks.bundle_checkpoint import BundleCheckpoint
from distill.training.interrupt import RunStopped, StopRequest
from distill.training.ranks.agreement import largest_over_ranks

log = logging.getLogger(__name__)


class GracefulStop(lightning.Callback):
    """Saves `last` and ends the fit after a stop request to any rank."""

    def __init__(self, request: StopRequest) -> None:
        self.request = request

    def on_train_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Replace Lightning's signal handlers, which would end the fit without saving."""
        self.request.arm()

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Save and raise RunStopped if a stop was requested."""
        if batch_idx + 1 >= trainer.num_training_batches:
            return  # the end of the epoch saves anyway; on_train_epoch_start handles the request
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
        """Raise RunStopped if a stop was requested: between epochs everything is already saved."""
        signal = self._signal(trainer)
        if signal is not None:
            log.info("%s: stopping between two epochs", Signals(signal).name)
            raise RunStopped(signal)

    def _signal(self, trainer: lightning.Trainer) -> int | None:
        return int(largest_over_ranks(trainer, self.request.signal or 0)) or None
