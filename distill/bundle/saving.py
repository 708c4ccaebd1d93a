"""a model that was loaded, and perhaps changed since → a `.distillgan` file."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from distill.bundle import SUFFIX
from distill.bundle.format import write_bundle
from distill.codec.description import LossCurves
from distill.codec.digest import WEIGHTS, network_weights
from distill.errors import BundleError, WriteError
from distill.system.paths import path_of
from distill.vocoder.kinds import VocoderNetwork, state_of

if TYPE_CHECKING:
    from distill.prior.prior import Prior
    from distill.vocoder.vocoder import Vocoder

CHANGED_TAG = "changed after training"


def save_model(
    model: Any, path: str | Path, *, name: str | None, without_prior: bool, overwrite: bool
) -> Path:
    """Write a LoadedModel, as its `save` says; returns the path."""
    path = path_of(path) if isinstance(path, str) else Path(path)
    if path.suffix != SUFFIX:
        raise BundleError(f"{path}: the name of a model's file ends with {SUFFIX}")
    identity = model.codec.identity
    is_changed = identity is not None and identity.is_changed
    prior = None if without_prior else model.prior
    if is_changed and prior is not None:
        raise BundleError(
            f"{model.metadata.name}: weights of its codec were changed, and its prior draws the "
            "codes of before; save it without: without_prior=True"
        )
    metadata = {**asdict(model.metadata), "save_date": time.strftime("%Y-%m-%dT%H:%M:%S%z")}
    if name is not None:
        metadata["name"] = name
    content = {**model.kept, WEIGHTS: network_weights(model.codec.network)}
    if is_changed:
        content |= identity.configs | _without_figures(metadata)
    content["metadata"] = metadata
    content |= _states(model.kept, model.vocoder, prior)
    if prior is None:
        content.pop("prior_state", None)
    _require_finite(content, "")
    try:
        write_bundle(path, content, replace=overwrite)
    except FileExistsError:
        raise BundleError(f"{path}: already exists; to replace it: overwrite=True") from None
    except OSError as error:
        raise WriteError(path, error) from error
    return path


def _without_figures(metadata: dict[str, Any]) -> dict[str, Any]:
    """What a bundle says of weights that were measured nowhere; also changes the metadata."""
    metadata["final_train_loss"] = metadata["final_val_loss"] = None
    metadata["tags"] = [*(tag for tag in metadata["tags"] if tag != CHANGED_TAG), CHANGED_TAG]
    return {
        "codebook_health_snapshot": {},
        "loss_curve_history": {curve.name: [] for curve in fields(LossCurves)},
    }


def _states(kept: Mapping[str, Any], vocoder: Vocoder, prior: Prior | None) -> dict[str, Any]:
    """What a bundle says of vocoder and prior, with their weights of now."""
    states, network = {}, getattr(vocoder, "network", None)
    if "vocoder_state" in kept and isinstance(network, VocoderNetwork):
        weights = state_of(network)["state_dict"]
        states["vocoder_state"] = {**kept["vocoder_state"], "state_dict": weights}
    if prior is not None:
        weights = prior.state()["state_dict"]
        states["prior_state"] = {**kept["prior_state"], "state_dict": weights}
    return states


def _require_finite(content: Mapping[str, Any], place: str) -> None:
    """Raise BundleError for a weight that holds NaN or infinity: such a model is refused when it is
    loaded.
    """
    for key, value in content.items():
        if isinstance(value, Mapping):
            _require_finite(value, str(key))
        elif isinstance(value, Tensor) and not torch.isfinite(value).all():
            raise BundleError(f"the weight {key} of {place} holds NaN or infinity")
