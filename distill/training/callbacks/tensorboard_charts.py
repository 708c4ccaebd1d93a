"""each epoch's figures → the loggers' curves, and TensorBoard charts that combine several."""

from __future__ import annotations

from typing import cast

import lightning
from lightning.pytorch.loggers import TensorBoardLogger
from torch.utils.tensorboard.writer import SummaryWriter

from distill.training.stage_module import StageModule


class TensorBoardCharts(lightning.Callback):
    """Sends scalars to every logger, with the epoch as step, and chart layouts to TensorBoard."""

    def on_fit_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Send TensorBoard the layout of the stage's charts."""
        for writer in writers(trainer):
            writer.add_custom_scalars(cast(StageModule, pl_module).charts())

    def on_validation_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Log the finished epoch's figures."""
        module = cast(StageModule, pl_module)
        if trainer.sanity_checking or not module.history.epochs:
            return
        metrics = module.history.last() | module.metrics()
        metrics["train/learning_rate"] = trainer.optimizers[0].param_groups[0]["lr"]
        metrics["train/skipped_steps"] = module.skipped_steps
        for logger in trainer.loggers:
            logger.log_metrics(metrics, step=trainer.current_epoch + 1)  # from 1, as printed


def writers(trainer: lightning.Trainer) -> list[SummaryWriter]:
    """The writers of the TensorBoard loggers, which take text, sound, pictures and charts."""
    loggers = [logger for logger in trainer.loggers if isinstance(logger, TensorBoardLogger)]
    return [logger.experiment for logger in loggers]
