"""steps and epochs → a live bar on a terminal, and printed lines for each epoch and its levels."""

from __future__ import annotations

import logging
import time
from typing import Any, cast

import lightning
from rich.progress import Progress, TaskID

from distill.system.bars import step_columns
from distill.system.terminal import console, say, say_figures
from distill.training.records.places import epoch_row, step_row
from distill.training.stage_module import StageModule

SILENCE_S = 20.0
"""How long piped output waits for a first line about the training."""
log = logging.getLogger(__name__)


class ProgressDisplay(lightning.Callback):
    """The only display of a run. Epochs are printed in whole lines, so that a log has them all."""

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._task = TaskID(0)
        self._printed_s = 0.0

    def on_train_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Open the bar on a terminal; elsewhere print that the first epoch has begun."""
        if not trainer.is_global_zero:
            return
        if not console.is_terminal:
            epoch = trainer.current_epoch + 1
            say(f"training the {cast(StageModule, pl_module).stage}: epoch {epoch} has begun")
            self._printed_s = time.monotonic()
            return
        self._bar = Progress(*step_columns(), console=console, transient=True)
        self._task = self._bar.add_task("", note="", total=None)
        self._bar.start()

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Update the bar: epoch, step, loss and time."""
        module = cast(StageModule, pl_module)
        if self._bar is not None:
            row = step_row(module, outputs)
            heading, note = row.fit(console.width)
            self._bar.update(
                self._task,
                description=heading,
                completed=row.step,
                total=row.steps,
                note=note,
            )
        elif trainer.is_global_zero and not module.history.epochs:
            self._print_step(module, outputs)

    def _print_step(self, module: StageModule, outputs: Any) -> None:
        """Print a line every few seconds, where there is no bar and no epoch to show yet."""
        if time.monotonic() - self._printed_s >= SILENCE_S:
            self._printed_s = time.monotonic()
            row = step_row(module, outputs)
            say(f"{row.heading}: step {row.step} of {row.steps}  {row.note}")

    def on_validation_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Print the finished epoch's figures, and write them to the log."""
        module = cast(StageModule, pl_module)
        row = epoch_row(module)
        if row is None or not trainer.is_global_zero:
            return
        for line in module.lines_of(row):
            say_figures(line, shorten=True)
            log.info(line)

    def on_fit_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Remove the bar, so that it does not mix with the summary."""
        self._close()

    def on_exception(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        exception: BaseException,
    ) -> None:
        """Remove the bar, so that it does not mix with the error."""
        self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
