"""a prior that has learnt for a moment → a few new sounds to listen to while it goes on."""

from __future__ import annotations

import logging
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import lightning
from torch import Tensor

from distill.bundle.loading import load_bundle
from distill.errors import DistillError
from distill.listen.folder import PAGE
from distill.listen.new_sounds import NewSounds
from distill.prior.prior import Prior, PriorConfig
from distill.runs.folder import EARLY_SOUNDS, best_bundle
from distill.runs.progress import ProgressFile
from distill.runs.rows import ListenRow
from distill.system.paths import from_here
from distill.system.terminal import say
from distill.training.prior.module import PriorModule
from distill.training.steps.aside import aside

AFTER_S = 20.0
"""How long the prior learns before its first sounds, an epoch at least."""
LATEST = 0.75
"""The share of the stage after which there are none: those of the finished prior come soon."""
SOUNDS = 4
"""They take a second or two on two cores."""
log = logging.getLogger(__name__)


class FirstSounds(lightning.Callback):
    """Writes new sounds by the prior as it is into a folder of the run, once."""

    def __init__(self, run_dir: Path, known: PriorConfig, codes: Tensor, *, seed: int) -> None:
        """`known` and `codes` are what a bundle would hold of the prior besides its network."""
        self.run_dir, self.known, self.codes, self.seed = run_dir, known, codes, seed
        self._is_done = False

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Make the sounds when it is time. What goes wrong is no reason to end the training."""
        module = cast(PriorModule, pl_module)
        if self._is_done or not trainer.is_global_zero or not module.history.epochs:
            return
        if module.clock.elapsed_s < AFTER_S:
            return
        self._is_done = True
        folder = self.run_dir / EARLY_SOUNDS
        if module.progress > LATEST or (folder / PAGE).exists():  # made before the run was stopped
            return
        try:
            with aside(module):
                page = self._make(folder, module)
        except (OSError, DistillError, RuntimeError, ValueError) as error:
            cause = error if isinstance(error, OSError) else error.__cause__
            log.warning("no first new sounds: %s", getattr(cause, "strerror", None) or error)
            return
        ProgressFile(self.run_dir).write(ListenRow(module.stage, folder.name))
        say(f"first new sounds to listen to: {from_here(page or folder)}")

    def _make(self, folder: Path, module: PriorModule) -> Path | None:
        """Write the sounds; return their page, if it could be written."""
        remove_first_sounds(self.run_dir)  # a part of them, by a process that was killed
        bits = module.history.last()["val/bits_per_s"]
        prior = Prior(self.known, module.model, self.codes, bits)
        loaded = load_bundle(best_bundle(self.run_dir), device=module.device)
        model = replace(loaded, prior=prior)
        told = {"epoch": module.history.epochs}
        target = NewSounds(folder, model, seed=self.seed, settings=told)
        for sound in model.new_sounds(SOUNDS, seed=self.seed):
            target.add(sound)
        return target.close().page


def remove_first_sounds(run_dir: Path) -> None:
    """Delete the folder of these sounds, if there is one."""
    shutil.rmtree(run_dir / EARLY_SOUNDS, ignore_errors=True)
