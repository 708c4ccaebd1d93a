"""settings → what a run with them does and leaves: plain values, with no copy of the settings."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import lightning
import torch

from distill.errors import DistillError
from distill.runs.progress import read_progress
from distill.runs.rows import ChoiceRow, SoundsRow
from distill.settings.schema import TrainConfig
from distill.training.callbacks import BundleCheckpoint
from distill.training.run import train

Effects = dict[str, Any]
Look = Callable[[TrainConfig], Effects]
"""A configuration → what a run with it does, in the current folder, which is empty."""
RUN = Path("run")
OF_ROWS = {
    SoundsRow: ("files", "left_out", "train", "held_out"),
    ChoiceRow: ("key", "value", "reason"),
}
WITNESS = "tests.helpers.effects.Witness"


class LookedAtError(DistillError):
    """Ends a run before its page and its place in the library are made, which takes long."""

    def __init__(self, seen: Effects) -> None:
        super().__init__("the run has been looked at")
        self.seen = seen


class Witness(lightning.Callback):
    """Raises LookedAtError, with what it saw, when the training of a stage ends."""

    def __init__(self) -> None:
        self.saved_within_an_epoch = False

    def on_train_batch_start(
        self, trainer: lightning.Trainer, pl_module: Any, batch: Any, batch_idx: int
    ) -> None:
        if trainer.current_epoch == 0:
            saved = Path(trainer.default_root_dir, "checkpoints").glob("*last.ckpt")
            self.saved_within_an_epoch |= any(saved)

    def on_train_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        loader: Any = trainer.train_dataloader
        raise LookedAtError(
            {
                "weights": _digest(pl_module.state_dict()),
                "figures": pl_module.history.figures,
                "metrics": pl_module.metrics(),
                "events": [event.text for event in pl_module.events],
                "steps": trainer.global_step,
                "workers": loader.num_workers,
                "callbacks": [type(callback).__name__ for callback in _callbacks(trainer)],
                "loggers": [type(logger).__name__ for logger in trainer.loggers],
                "saved within an epoch": self.saved_within_an_epoch,
            }
        )


class Stranger(lightning.Callback):
    """A callback of somebody else, which takes any settings and does nothing."""

    def __init__(self, **settings: Any) -> None:
        pass


class OwnCheckpoint(BundleCheckpoint):
    """A checkpoint of somebody's own."""


class SpoilAll(lightning.Callback):
    """Makes each batch NaN."""

    def on_train_batch_start(
        self, trainer: lightning.Trainer, pl_module: Any, batch: Any, batch_idx: int
    ) -> None:
        batch["waveform"].fill_(float("nan"))


def look_at_training(config: TrainConfig) -> Effects:
    """Train the first stage: weights, figures, rows of progress and all files, or why not."""
    RUN.mkdir()
    config.callbacks.extra["witness"] = {"_target_": WITNESS}
    try:
        train(config, RUN)
    except LookedAtError as end:
        seen = end.seen
    except DistillError as refusal:
        seen = {"refused": str(refusal)}
    rows = [row for row in read_progress(RUN) if type(row) in OF_ROWS]
    seen["rows"] = [[getattr(row, key) for key in OF_ROWS[type(row)]] for row in rows]
    return {**seen, "files": _files()}


def look_at_the_end(config: TrainConfig) -> Effects:
    """Train all stages to the end: the summary's name, and all files."""
    RUN.mkdir()
    summary = train(config, RUN)
    assert summary is not None
    return {"name": summary.name, "files": _files()}


def look_at_trainer(config: TrainConfig) -> Effects:
    """What Lightning's trainer is asked for, because this machine may not have it."""
    RUN.mkdir()
    with mock.patch("lightning.Trainer", _ask):
        try:
            train(config, RUN)
        except LookedAtError as end:
            return end.seen
    raise AssertionError("no trainer was made")


def look_at_minutes(config: TrainConfig) -> Effects:
    """How long the codec will train, because steps that are counted by time are never the same."""
    look_at_trainer(config)
    return {"minutes": config.trainer.max_minutes}


def _ask(**options: Any) -> None:
    keys = ("accelerator", "devices", "num_nodes", "strategy")
    raise LookedAtError({key: str(options[key]).split(" object at ")[0] for key in keys})


def _callbacks(trainer: lightning.Trainer) -> list[lightning.Callback]:
    return list(trainer.callbacks)  # type: ignore[attr-defined]


def _digest(weights: Mapping[str, torch.Tensor]) -> str:
    digest = hashlib.sha256()
    for name, weight in weights.items():
        digest.update(f"{name} {tuple(weight.shape)}".encode())
        digest.update(weight.detach().cpu().numpy().tobytes())
    return digest.hexdigest()


def _files() -> list[str]:
    """All files, without the time and the process in the names of event files."""
    return sorted({str(path).split(".out.tfevents.")[0] for path in Path().rglob("*")})
