"""a run folder → which stages are left to train, and how far each was at its last checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distill.bundle.reader import read_bundle
from distill.errors import RunError
from distill.runs.folder import checkpoint_path, newest_bundle
from distill.runs.summary import stages_ended
from distill.settings.schema import TrainConfig
from distill.system.terminal import quantity, say
from distill.training.records.checkpoint_io import AtomicCheckpointIO
from distill.training.stage import Stage

CODEC = "codec"
"""The stage that all others build on."""


@dataclass(frozen=True)
class Saved:
    """How far a stage was at its last checkpoint."""

    epochs: int
    elapsed_s: float
    codec_digest: str | None = None
    """Of the codec that a later stage belongs to."""


def find_stages_left(
    config: TrainConfig,
    run_dir: Path,
    kinds: Mapping[str, type[Stage[Any]]],
    *,
    changes: Callable[[], str] = str,
) -> dict[str, Saved | None]:
    """The stages that are not complete, and how far each is; raises RunError if there is none, with
    what `changes` says.
    """
    ended = stages_ended(run_dir)
    left: dict[str, Saved | None] = {}
    complete = []
    for name in config.stages:
        saved = _read_saved(run_dir, name)
        if saved and saved.codec_digest and _is_of_another_codec(saved, run_dir, left):
            say(f"the codec is another one by now: the {name} is trained anew")
            saved = None
        limits = kinds[name].limits(config)
        # one that was stopped so shortly before its end is still to be closed
        is_closed = name in ended and ended[name].finished
        if saved and is_closed and limits.are_reached(saved.epochs, saved.elapsed_s):
            minutes = f"{saved.elapsed_s / 60:.1f} minutes"
            complete.append(f"{name}: {quantity(saved.epochs, 'epoch')}, {minutes}")
            continue
        left[name] = saved
        if saved:
            say(f"continuing the {name} after {quantity(saved.epochs, 'epoch')}: {run_dir}")
    if not left:
        groups = " or ".join(f"{kinds[name].limits_in}.max_minutes=" for name in config.stages)
        raise RunError(
            f"{run_dir}: this run is complete ({'; '.join(complete)}); "
            f"to train longer, give a larger {groups}, or max_epochs={changes()}"
        )
    return left


def _read_saved(run_dir: Path, stage: str) -> Saved | None:
    """How far a stage was at its last checkpoint; None if there is none.

    Raises RunError for a damaged checkpoint.
    """
    path = checkpoint_path(run_dir, stage, "last")
    if not path.is_file():
        return None
    state = AtomicCheckpointIO().load_checkpoint(path).get("distill")
    if not isinstance(state, dict) or "history" not in state:
        raise RunError(f"{path}: not a checkpoint of distill")
    epochs = max((len(values) for values in state["history"].values()), default=0)
    return Saved(epochs, state["elapsed_s"], state["bundle"].get("codec_digest"))


def _is_of_another_codec(saved: Saved, run_dir: Path, left: Mapping[str, object]) -> bool:
    """Whether what was saved of a later stage is of no use: its codec is trained further now, or
    was in the meantime.
    """
    bundle = newest_bundle(run_dir)
    digest = read_bundle(bundle, weights=False).codec_digest if bundle else None
    return CODEC in left or saved.codec_digest != digest
