"""a bundle's configurations and weights → the network and the front end, if they fit each other."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields
from typing import Any, TypeVar

import torch
from torch import Tensor

from distill.errors import BundleError
from distill.model.mel import LogMel, SpectrogramConfig
from distill.model.vqvae import ConvVQVAE, VQVAEConfig

LARGEST_FILTER_BANK = 1 << 26
Config = TypeVar("Config")


def spectrogram_of(content: Mapping[str, Any]) -> LogMel:
    """Raises BundleError for a configuration that is not possible."""
    config = _config(SpectrogramConfig, content["spectrogram_config"], "spectrogram_config")
    if (
        config.n_fft * config.n_mels > LARGEST_FILTER_BANK
        or config.floor <= 0
        or config.std_db <= 0
    ):
        raise BundleError(f"spectrogram_config is beyond reason: {asdict(config)}")
    return LogMel(config)


def network_of(content: Mapping[str, Any]) -> ConvVQVAE:
    """Raises BundleError for a configuration that is not possible, and weights that do not fit."""
    config = _config(VQVAEConfig, content["vqvae_config"], "vqvae_config")
    if (
        config.num_quantizers > 64
        or config.residual_units > 64
        or len(config.channels) > 8
        or config.stem_stride > 64
        or config.stem_stride % 2
    ):
        raise BundleError(f"vqvae_config asks for a network beyond reason: {asdict(config)}")
    weights = content["model_state_dict"]
    with torch.device("meta"):  # no memory is taken before the shapes are known to fit
        model = ConvVQVAE(config)
    expected = model.state_dict()
    if missing := sorted(set(expected) - set(weights)):
        raise BundleError(f"the weight {missing[0]} is missing")
    if unknown := sorted(map(str, set(weights) - set(expected))):
        raise BundleError(f"the weight {unknown[0][:80]} has no place in the network")
    for name, tensor in expected.items():
        given = weights[name]
        if (
            not isinstance(given, Tensor)
            or given.shape != tensor.shape
            or given.dtype != tensor.dtype
        ):
            raise BundleError(f"the weight {name} does not fit vqvae_config")
        if given.is_floating_point() and not torch.isfinite(given).all():
            raise BundleError(f"the weight {name} holds NaN or infinity")
    model = ConvVQVAE(config)
    model.load_state_dict(weights)
    return model


def _config(kind: type[Config], values: dict[str, Any], name: str) -> Config:
    """A configuration from untrusted values: each present, of its type, within reason."""
    known = {field.name: field.type for field in fields(kind)}  # type: ignore[arg-type]
    known_later: dict[str, Any] = {
        field.name: field.default
        for field in fields(kind)  # type: ignore[arg-type]
        if field.default is not MISSING
    }
    for key, type_name in known.items():
        if key not in values and key not in known_later:
            raise BundleError(f"the key {name}.{key} is missing")
        value = values[key] if key in values else known_later[key]
        numbers = value if isinstance(value, list | tuple) else [value]
        whole = "int" in str(type_name)
        for number in numbers:
            fits = isinstance(number, int) if whole else isinstance(number, int | float)
            if (
                not fits
                or isinstance(number, bool)
                or abs(number) > 1e6
                or not math.isfinite(number)
                or (key == "dropout" and not 0 <= number < 1)
            ):
                raise BundleError(f"{name}.{key}={str(value)[:60]} is not possible")
            if whole and number < (0 if key == "residual_units" else 1):
                raise BundleError(f"{name}.{key}={str(value)[:60]} is not possible")
        if (
            isinstance(value, list | tuple) != str(type_name).startswith("tuple")
            or not 1 <= len(numbers) <= 16
        ):
            raise BundleError(f"{name}.{key}={str(value)[:60]} is not possible")
    return kind(
        **{
            key: tuple(value) if isinstance(value, list) else value
            for key, value in values.items()
            if key in known
        }
    )
