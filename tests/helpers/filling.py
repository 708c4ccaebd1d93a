"""A callback for `callbacks.extra` that takes away what a run writes with, and gives it back."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import lightning

from tests.helpers.disks import fill


class TakeAway(lightning.Callback):
    """At the start of epoch `begin`, fill the disk of `folder` (what="space"), close the run's
    folder in it ("permission") or delete that ("folder"); at `end`, undo the first two.
    """

    def __init__(self, folder: str, what: str, begin: int, end: int) -> None:
        self.folder, self.what, self.begin, self.end = Path(folder), what, begin, end

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        if trainer.current_epoch == self.begin:
            if self.what == "space":
                fill(self.folder)
            elif self.what == "permission":
                self._permission(0o555)
            else:
                shutil.rmtree(self.folder / "run")
        if trainer.current_epoch == self.end:
            if self.what == "space":
                (self.folder / "ballast").unlink()
            else:
                self._permission(0o755)

    def _permission(self, mode: int) -> None:
        for folder in (self.folder / "run", *(self.folder / "run").rglob("*")):
            if folder.is_dir():
                os.chmod(folder, mode)


def take_away(folder: Path, what: str, *, begin: int, end: int) -> list[str]:
    """Overrides that take something away in these epochs, counted from 0."""
    settings = {"folder": folder, "what": what, "begin": begin, "end": end}
    target = "+callbacks.extra.take._target_=tests.helpers.filling.TakeAway"
    return [target, *(f"+callbacks.extra.take.{key}={value}" for key, value in settings.items())]
