"""steps and epochs → a live bar on a terminal, and for each epoch a line and a row a level, piped
or not.
"""

from __future__ import annotations

import logging
from typing import Any, cast

import lightning
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn
from rich.progress import Progress as Bar

from distill.system.terminal import console, duration
from distill.training.codec.health import SideHealth
from distill.training.codec.module import DistillModule

log = logging.getLogger(__name__)


class Progress(lightning.Callback):
    """The only display of a run; it prints whole lines, so that nothing is lost in a log."""

    def __init__(self) -> None:
        self._bar: Bar | None = None
        self._task = TaskID(0)

    def on_train_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Open the bar where there is a terminal to draw it on."""
        if trainer.is_global_zero and console.is_terminal:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[note]}"),
            )
            self._bar = Bar(*columns, console=console, transient=True)
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
        """Move the bar."""
        if self._bar is not None:
            module = cast(DistillModule, pl_module)
            loss = f"loss {outputs['loss']:.4f}  " if outputs else ""
            self._bar.update(
                self._task,
                description=f"epoch {_epoch_of(trainer)}",
                completed=batch_idx + 1,
                total=trainer.num_training_batches,
                note=f"{loss}{_time_left(module)}",
            )

    def on_validation_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Print the epoch that was just closed."""
        module = cast(DistillModule, pl_module)
        if trainer.sanity_checking or not trainer.is_global_zero or module.train_health is None:
            return
        history = module.history
        skipped = f"  skipped steps {module.skipped_steps}" if module.skipped_steps else ""
        figures = (
            f"epoch {_epoch_of(trainer)}  train {history.train_losses[-1]:.4f}  "
            f"val {history.val_losses[-1]:.4f}  "
            f"mel error {history.val_mel_db[-1]:.2f} dB{skipped}  {_time_left(module)}"
        )
        for row in (figures, *level_rows(module.train_health)):
            console.print(row, markup=False, soft_wrap=True)
            log.info(row)

    def on_fit_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Close the bar."""
        self._close()

    def on_exception(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        exception: BaseException,
    ) -> None:
        """Close the bar."""
        self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def level_rows(side: SideHealth) -> list[str]:
    """One line a level."""
    per_code = side.positions / side.codebook_size
    few = f"   (only {side.positions:,} positions, {per_code:.1f} a code)"
    note = "" if side.complete else few
    return [
        f"  level {i}  utilization {level.utilization:6.1%}   "
        f"perplexity {level.perplexity:6.1f} of {side.codebook_size}"
        f"   dead codes {level.dead_codes}{note}"
        for i, level in enumerate(side.levels)
    ]


def _epoch_of(trainer: lightning.Trainer) -> str:
    limit = trainer.max_epochs if trainer.max_epochs and trainer.max_epochs > 0 else None
    return f"{trainer.current_epoch + 1}/{limit}" if limit else f"{trainer.current_epoch + 1}"


def _time_left(module: DistillModule) -> str:
    progress = module.progress
    if progress <= 0:
        return ""
    left_s = module.clock.elapsed_s * (1 - progress) / progress
    return f"{duration(module.clock.elapsed_s)} gone, {duration(left_s)} left"
