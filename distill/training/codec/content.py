"""a run as it stands → all that its bundle holds but the weights."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from distill.training.codec.module import DistillModule


def content_of(module: DistillModule) -> dict[str, Any]:
    """Everything a bundle of the current weights holds but the weights themselves, plain values
    only.
    """
    history = module.history
    metadata = {
        **module.bundle_fields["metadata"],
        "save_date": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "training_epochs": history.epochs,
        "final_train_loss": history.train_losses[-1] if history.epochs else None,
        "final_val_loss": history.val_losses[-1] if history.epochs else None,
    }
    return {
        "vqvae_config": {
            **asdict(module.vqvae_config),
            "channels": list(module.vqvae_config.channels),
        },
        "spectrogram_config": asdict(module.spectrogram.config),
        "training_config": module.bundle_fields["training_config"],
        "codebook_health_snapshot": module.measure_health().snapshot(),
        "loss_curve_history": asdict(history),
        "metadata": metadata,
    }
