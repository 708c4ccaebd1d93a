"""steps and epochs → rows of the run's `progress.jsonl`."""

from __future__ import annotations

import time
from typing import Any, cast

import lightning

from distill.runs.progress import ProgressFile
from distill.training.records.places import epoch_row, step_row
from distill.training.stage_module import StageModule

EVERY_S = 3.0


class ProgressRows(lightning.Callback):
    """Writes a row every few seconds and one for each epoch; only the first rank has a file."""

    def __init__(self, file: ProgressFile) -> None:
        self._file = file
        self._written_s = 0.0

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Write a step row, if the last one is a few seconds old."""
        now_s = time.monotonic()
        if now_s - self._written_s >= EVERY_S:
            self._written_s = now_s
            self._file.write(step_row(cast(StageModule, pl_module), outputs))

    def on_validation_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Write a row for the finished epoch."""
        row = epoch_row(cast(StageModule, pl_module))
        if row is not None:
            self._file.write(row)
