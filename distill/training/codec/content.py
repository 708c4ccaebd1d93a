"""the current state of a run → everything in its bundle except the weights."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from distill.codec.description import LossCurves, Metadata
from distill.codec.yardstick import YARDSTICK

if TYPE_CHECKING:
    from distill.training.codec.module import CodecModule


def content_of(module: CodecModule) -> dict[str, Any]:
    """Everything in a bundle of the current weights except the weights; plain values only."""
    figures = module.history.figures
    curves = LossCurves(
        train_losses=figures.get("train/loss", []),
        val_losses=figures.get("val/loss", []),
        recon_losses=figures.get("train/reconstruction", []),
        commit_losses=figures.get("train/commitment", []),
        **{f"val_{key}": figures.get(f"val/{key}", []) for key in YARDSTICK},
    )
    known = {
        **module.origin["metadata"],
        "save_date": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "training_epochs": module.history.epochs,
        "final_train_loss": next(reversed(curves.train_losses), None),
        "final_val_loss": next(reversed(curves.val_losses), None),
    }
    return {
        "vqvae_config": asdict(module.vqvae_config),
        "spectrogram_config": asdict(module.spectrogram.config),
        "training_config": module.origin["training_config"],
        "codebook_health_snapshot": module.measure_health().snapshot(),
        "loss_curve_history": asdict(curves),
        "metadata": asdict(Metadata(**known)),
    }
