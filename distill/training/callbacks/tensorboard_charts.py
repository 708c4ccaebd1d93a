"""each epoch's figures → the loggers' curves, and TensorBoard charts that combine several."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import lightning
from lightning.pytorch.loggers import TensorBoardLogger
from torch.utils.tensorboard.writer import SummaryWriter

from distill.training.records.event_files import EventFiles
from distill.training.stage_module import StageModule

BY_STEP = "by_step"
AXIS = (
    "The step of all curves, sounds, pictures and histograms is the epoch of this stage, counted "
    "from 1, as on the terminal."
)
BY_STEP_AXIS = f"Curves whose names begin with {BY_STEP}/ go by training steps, counted from 1."


class TensorBoardCharts(lightning.Callback):
    """Sends scalars to every logger, with the epoch as step, and chart layouts to TensorBoard; with
    `every_n_steps`, also losses within epochs, as a run of their own in TensorBoard.
    """

    def __init__(self, *, every_n_steps: int | None = None) -> None:
        self.every_n_steps = every_n_steps
        self._by_step: EventFiles | None = None

    def on_fit_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Send TensorBoard the layout of the stage's charts, and once what their steps are."""
        module = cast(StageModule, pl_module)
        for writer in writers(trainer):
            writer.add_custom_scalars(module.charts())
            if not module.history.epochs:
                writer.add_text("axes", AXIS, 0)

    def on_train_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Open the file of the curves by step; later points than the last save are dropped."""
        loggers = [each for each in trainer.loggers if isinstance(each, TensorBoardLogger)]
        if self.every_n_steps is None or not loggers or not trainer.is_global_zero:
            return
        folder = Path(loggers[0].log_dir)
        steps = cast(StageModule, pl_module).step + 1
        self._by_step = EventFiles(
            folder.parent,
            name="",
            version=f"{folder.name}_{BY_STEP}",
            purge_step=steps + 1 if steps else None,
        )
        self._by_step.experiment.add_text("axes", BY_STEP_AXIS, 0)

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Log the loss of a step and its learning rate, every few steps."""
        step = cast(StageModule, pl_module).step + 1
        if self._by_step is None or self.every_n_steps is None or step % self.every_n_steps:
            return
        figures = {f"{BY_STEP}/learning_rate": trainer.optimizers[0].param_groups[0]["lr"]}
        if outputs:  # a step that was skipped has no loss
            figures[f"{BY_STEP}/train_loss"] = float(outputs["loss"])
        self._by_step.log_metrics(figures, step)

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

    def on_fit_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Close the file of the curves by step."""
        self._close()

    def on_exception(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        exception: BaseException,
    ) -> None:
        """Close it after a stop, too."""
        self._close()

    def _close(self) -> None:
        if self._by_step is not None:
            self._by_step.finalize("success")
            self._by_step = None


def writers(trainer: lightning.Trainer) -> list[SummaryWriter]:
    """The writers of the TensorBoard loggers, which take text, sound, pictures and charts."""
    loggers = [logger for logger in trainer.loggers if isinstance(logger, TensorBoardLogger)]
    return [logger.experiment for logger in loggers]
