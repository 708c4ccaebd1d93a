"""A callback as `callbacks.extra` takes it: sends this process a signal at one step."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import lightning


class StopAt(lightning.Callback):
    """Once: a marker file keeps the resumed run from stopping again."""

    def __init__(self, step: int, signal_number: int) -> None:
        self.step = step
        self.signal_number = signal_number
        self.marker = Path("stopped.once")

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        if trainer.global_step == self.step and not self.marker.exists():
            self.marker.touch()
            os.kill(os.getpid(), self.signal_number)
