"""a run as it stands → all that its bundle holds but the weights."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from distill.training.codec.module import CodecModule

CURVES = {
    "train_losses": "train/loss",
    "val_losses": "val/loss",
    "recon_losses": "train/reconstruction",
    "commit_losses": "train/commitment",
    "val_mel_db": "val/mel_db",
}
"""What a bundle calls a curve → the figure that it is logged as."""


def content_of(module: CodecModule) -> dict[str, Any]:
    """Everything a bundle of the current weights holds but the weights themselves, plain values
    only.
    """
    curves = {name: module.history.figures.get(figure, []) for name, figure in CURVES.items()}
    metadata = {
        **module.origin["metadata"],
        "save_date": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "training_epochs": module.history.epochs,
        "final_train_loss": next(reversed(curves["train_losses"]), None),
        "final_val_loss": next(reversed(curves["val_losses"]), None),
    }
    return {
        "vqvae_config": {
            **asdict(module.vqvae_config),
            "channels": list(module.vqvae_config.channels),
        },
        "spectrogram_config": asdict(module.spectrogram.config),
        "training_config": module.origin["training_config"],
        "codebook_health_snapshot": module.measure_health().snapshot(),
        "loss_curve_history": curves,
        "metadata": metadata,
    }
