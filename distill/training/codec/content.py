"""the current state of a run → everything in its bundle except the weights."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from distill.codec.description import LossCurves, Metadata
from distill.codec.level_health import SideHealth
from distill.codec.yardstick import OF_MELS
from distill.model.config import VQVAEConfig
from distill.model.mel import SpectrogramConfig
from distill.runs.history import History


def bundle_content(
    vqvae: VQVAEConfig,
    spectrogram: SpectrogramConfig,
    *,
    origin: Mapping[str, Any],
    history: History,
    health: SideHealth,
) -> dict[str, Any]:
    """Everything in a bundle except the weights, whose health this is; plain values only. `origin`
    holds the `training_config`, and what is known of the `metadata` at the start.
    """
    figures = history.figures
    curves = LossCurves(
        train_losses=figures.get("train/loss", []),
        val_losses=figures.get("val/loss", []),
        recon_losses=figures.get("train/reconstruction", []),
        commit_losses=figures.get("train/commitment", []),
        **{f"val_{key}": figures.get(f"val/{key}", []) for key in OF_MELS},
    )
    known = {
        **origin["metadata"],
        "save_date": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "training_epochs": history.epochs,
        "final_train_loss": next(reversed(curves.train_losses), None),
        "final_val_loss": next(reversed(curves.val_losses), None),
    }
    return {
        "vqvae_config": asdict(vqvae),
        "spectrogram_config": asdict(spectrogram),
        "training_config": origin["training_config"],
        "codebook_health_snapshot": health.snapshot(),
        "loss_curve_history": asdict(curves),
        "metadata": asdict(Metadata(**known)),
    }
