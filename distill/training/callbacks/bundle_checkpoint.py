"""weights → a checkpoint and, for the codec, a `.distillgan` bundle of the same weights."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any, cast

import lightning
from lightning.pytorch.callbacks import ModelCheckpoint

from distill.bundle import SUFFIX
from distill.bundle.format import write_bundle
from distill.runs.folder import checkpoint_path
from distill.training.records.checkpoint_io import AtomicCheckpointIO
from distill.training.stage_module import StageModule
from distill.training.steps.finite import require_finite_weights

log = logging.getLogger(__name__)


class BundleCheckpoint(ModelCheckpoint):
    """Writes `checkpoints/best.ckpt` or `last.ckpt`, and `best.distillgan` or `last.distillgan`:
    `best` the weights of the epoch with the lowest `monitor`, `last` the newest ones.

    The checkpoint is for continuing the run, the bundle for using the model. A stage after the
    codec writes `checkpoints/STAGE_best.ckpt` and no bundle: what it adds to the model is written
    into the bundle when the stage ends.
    """

    def __init__(
        self,
        *,
        run_dir: Path,
        stage: str,
        which: str,
        monitor: str,
        every_n_minutes: float | None = None,
    ) -> None:
        path = checkpoint_path(run_dir, stage, which)
        super().__init__(
            dirpath=path.parent,
            filename=path.stem,
            monitor=monitor if which == "best" else None,
            mode="min",
            save_top_k=1,
            every_n_epochs=1,
            save_on_train_epoch_end=True,
            auto_insert_metric_name=False,
            enable_version_counter=False,
        )
        self.bundle_path = run_dir / f"{path.stem}{SUFFIX}"
        self._every_s = 60 * every_n_minutes if every_n_minutes else float("inf")
        self._saved_s = 0.0
        self.failure: str | None = None
        """Why the newest save failed; None if it was written."""

    def save_now(self, trainer: lightning.Trainer) -> None:
        """Save now, in the middle of an epoch too; nothing if there is nothing to save yet."""
        if cast(StageModule, trainer.lightning_module).can_be_saved:
            self._save_checkpoint(trainer, self._path)

    def on_train_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Start counting the minutes between saves."""
        super().on_train_start(trainer, pl_module)
        self._saved_s = cast(StageModule, pl_module).clock.elapsed_before_s

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Save every few minutes within a long epoch."""
        epoch_ends = batch_idx + 1 >= trainer.num_training_batches
        now_s = cast(StageModule, pl_module).clock.deciding_s
        if not epoch_ends and now_s - self._saved_s >= self._every_s:
            self.save_now(trainer)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the best epoch so far, even if the run folder was moved."""
        if state_dict["best_model_path"]:
            here, score = self._path, state_dict["best_model_score"]
            state_dict = {
                **state_dict,
                "dirpath": self.dirpath,
                "best_model_path": here,
                "kth_best_model_path": here,
                "last_model_path": "",
                "best_k_models": {here: score},
            }
        super().load_state_dict(state_dict)

    @property
    def _path(self) -> str:
        return os.path.join(str(self.dirpath), f"{self.filename}{self.FILE_EXTENSION}")

    def _save_checkpoint(self, trainer: lightning.Trainer, filepath: str) -> None:
        module = cast(StageModule, trainer.lightning_module)
        require_finite_weights(module.model)
        super()._save_checkpoint(trainer, filepath)
        failure = cast(AtomicCheckpointIO, trainer.strategy.checkpoint_io).failure
        if trainer.is_global_zero and failure is None and module.makes_bundles:
            content = {**module.saved_fields, "model_state_dict": module.model.state_dict()}
            try:
                write_bundle(self.bundle_path, content)
            except OSError as error:
                failure = error
        self.failure = None
        if failure is not None:  # such as a full disk: the earlier save is intact, so continue
            self.failure = f"{self.filename} not saved: {failure.strerror or failure}"
            log.warning("epoch %d: %s", module.history.epochs, self.failure)
        trainer.strategy.barrier("bundle")
        self._saved_s = module.clock.deciding_s

    def _remove_checkpoint(self, trainer: lightning.Trainer, filepath: str) -> None:
        super()._remove_checkpoint(trainer, filepath)
        if trainer.is_global_zero:
            self.bundle_path.unlink(missing_ok=True)
