"""A callback for `callbacks.extra` that stops a run, once, in one of the ways that a user has."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import lightning

FILE = "stop"


class StopAt(lightning.Callback):
    """Before a step of a stage, sends this process a signal or writes the file `stop` for it.

    A marker file keeps a resumed run from stopping there again.
    """

    def __init__(self, step: int, stage: str, how: str) -> None:
        self.step, self.stage, self.how = step, stage, how
        self.marker = Path(f"stopped_{stage}_{step}.once")

    def on_train_batch_start(
        self, trainer: lightning.Trainer, pl_module: Any, batch: Any, batch_idx: int
    ) -> None:
        if (pl_module.stage, pl_module.step) != (self.stage, self.step) or self.marker.exists():
            return
        self.marker.touch()
        if self.how == FILE:
            Path(str(trainer.default_root_dir), FILE).touch()
        else:
            os.kill(os.getpid(), signal.Signals[self.how])


def stop_at(step: int, *, stage: str = "codec", how: str = "SIGINT") -> list[str]:
    """Overrides that stop a run before it ends this step, counted from 0."""
    key = f"+callbacks.extra.stop_{step}"
    return [
        f"{key}._target_=tests.helpers.stop_at.StopAt",
        f"{key}.step={step}",
        f"{key}.stage={stage}",
        f"{key}.how={how}",
    ]
