"""a `.distillgan` file → a model ready to encode and decode, rebuilt from the file alone."""

from __future__ import annotations

from pathlib import Path

import torch

from distill.bundle.reader import read_content
from distill.bundle.rebuild import network_of, spectrogram_of
from distill.codec.loaded import LoadedModel
from distill.errors import BundleError


def load_bundle(path: str | Path, *, device: str | torch.device = "cpu") -> LoadedModel:
    """Rebuild a ready, eval-mode model from the file alone.

    Raises BundleError, each time with a message of its own: an old `.distill` file, another or a
    newer format, a truncated, altered or hostile file, shapes that do not fit, a missing key.
    """
    path = Path(path)
    content = read_content(path)
    try:
        model, spectrogram = network_of(content), spectrogram_of(content)
    except BundleError as error:
        raise BundleError(f"{path.name}: {error}") from error
    return LoadedModel(
        model.to(device).eval(),
        spectrogram.to(device),
        content["metadata"],
        content["codebook_health_snapshot"],
        content["loss_curve_history"],
        content["training_config"],
        content.get("vocoder_state"),
        content["checksum"],
    )
