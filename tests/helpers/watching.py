"""Callbacks for `callbacks.extra` that tests look at a run with."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import lightning
import torch


class CodebookSpy(lightning.Callback):
    """After every epoch, each rank writes its codebooks, weights and code counts."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        self.folder.mkdir(exist_ok=True)
        state = {
            "model": pl_module.model.state_dict(),
            "counts": pl_module.train_counts,
            "skipped": pl_module.skipped_steps,
        }
        name = f"epoch{trainer.current_epoch}_rank{trainer.global_rank}.pt"
        torch.save(state, self.folder / name)


class Interrupt(lightning.Callback):
    """Presses Ctrl-C, once, before one of the steps."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_start(
        self, trainer: lightning.Trainer, pl_module: Any, batch: Any, batch_idx: int
    ) -> None:
        if pl_module.step == self.step:
            os.kill(os.getpid(), signal.SIGINT)
            self.step = -1


class Poison(lightning.Callback):
    """Makes the batch of one step NaN, on one rank only."""

    def __init__(self, rank: int, step: int) -> None:
        self.rank, self.step = rank, step

    def on_train_batch_start(
        self, trainer: lightning.Trainer, pl_module: Any, batch: Any, batch_idx: int
    ) -> None:
        if trainer.global_rank == self.rank and pl_module.step == self.step:
            batch["waveform"].fill_(float("nan"))
