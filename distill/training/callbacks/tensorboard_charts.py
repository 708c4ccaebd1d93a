"""each epoch's figures → the loggers' curves, and the charts that show several together."""

from __future__ import annotations

from typing import cast

import lightning
from lightning.pytorch.loggers import TensorBoardLogger
from torch.utils.tensorboard.writer import SummaryWriter

from distill.training.stage_module import StageModule


class TensorBoardCharts(lightning.Callback):
    """Scalars go to any logger, with the epoch as step; the layout of charts to TensorBoard."""

    def on_fit_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Lay out the charts of the stage."""
        for writer in writers(trainer):
            writer.add_custom_scalars(cast(StageModule, pl_module).charts())

    def on_validation_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Write the epoch that was just closed."""
        module = cast(StageModule, pl_module)
        if trainer.sanity_checking or not module.history.epochs:
            return
        metrics = module.history.last() | module.metrics()
        metrics["train/learning_rate"] = trainer.optimizers[0].param_groups[0]["lr"]
        metrics["train/skipped_steps"] = module.skipped_steps
        for logger in trainer.loggers:
            logger.log_metrics(metrics, step=trainer.current_epoch + 1)  # as on the terminal


def writers(trainer: lightning.Trainer) -> list[SummaryWriter]:
    """Takers of text, sound, pictures and charts: one for each TensorBoard logger."""
    loggers = [logger for logger in trainer.loggers if isinstance(logger, TensorBoardLogger)]
    return [logger.experiment for logger in loggers]
