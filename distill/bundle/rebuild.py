"""a bundle's configurations and weights → the networks and the mel front end, or an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from distill.bundle.content import MOST, BundleContent
from distill.errors import BundleError
from distill.model.mel import LogMel
from distill.model.vqvae import ConvVQVAE
from distill.system.ranges import parts, within
from distill.system.validation import InvalidError, instance_of
from distill.vocoder.phase_network import PhaseNetwork, PhaseNetworkConfig
from distill.vocoder.phase_state import TYPE

LARGEST_FILTER_BANK = 1 << 26


@dataclass(frozen=True)
class _PhaseVocoder:
    config: PhaseNetworkConfig = field(
        metadata=parts(
            n_mels=within(1, MOST),
            bins=within(1, MOST),
            channels=within(1, MOST),
            hidden=within(1, MOST),
            blocks=within(0, 64),
        )
    )


def rebuild_front_end(content: BundleContent) -> LogMel:
    """Make the mel front end; raises BundleError if it would need far too much memory."""
    config = content.spectrogram_config
    if config.n_fft * config.n_mels > LARGEST_FILTER_BANK:
        raise BundleError(
            f"spectrogram_config is too large: n_fft {config.n_fft:,}, n_mels {config.n_mels:,}"
        )
    return LogMel(config)


def rebuild_network(content: BundleContent) -> ConvVQVAE:
    """Make the codec's network with its weights; raises BundleError for an impossible
    configuration, or weights that do not fit it.
    """
    config, weights = content.vqvae_config, content.model_state_dict
    with torch.device("meta"):  # without memory, to check the shapes first
        model = ConvVQVAE(config)
    _check_weights(weights, model.state_dict(), config="vqvae_config")
    model = ConvVQVAE(config)
    model.load_state_dict(weights)
    return model


def rebuild_vocoder(content: BundleContent) -> PhaseNetwork | None:
    """Make the network of the model's own vocoder; None if it has none, or one of another type.

    Raises BundleError for an impossible configuration, and weights or mels that do not fit it.
    """
    state, mel = content.vocoder_state, content.spectrogram_config
    if state is None or state.type != TYPE:
        return None
    try:
        config = instance_of(_PhaseVocoder, {"config": state.config}).config
    except InvalidError as error:
        raise BundleError(str(error.inside("vocoder_state"))) from None
    if (config.n_mels, config.bins) != (mel.n_mels, mel.n_fft // 2 + 1):
        raise BundleError("vocoder_state.config does not fit spectrogram_config")
    with torch.device("meta"):
        network = PhaseNetwork(config)
    expected = {name: tensor.half() for name, tensor in network.state_dict().items()}
    _check_weights(state.state_dict, expected, config="vocoder_state.config")
    network = PhaseNetwork(config)
    network.load_state_dict({name: value.float() for name, value in state.state_dict.items()})
    return network


def _check_weights(
    weights: Mapping[str, Any], expected: Mapping[str, Tensor], *, config: str
) -> None:
    """Raise BundleError if the weights are not those that the network of a configuration has."""
    if missing := sorted(set(expected) - set(weights)):
        raise BundleError(f"the weight {missing[0]} is missing")
    if unknown := sorted(set(weights) - set(expected)):
        raise BundleError(f"the weight {unknown[0][:80]!r} has no place in the network")
    for name, tensor in expected.items():
        given = weights[name]
        if (
            not isinstance(given, Tensor)
            or given.shape != tensor.shape
            or given.dtype != tensor.dtype
        ):
            raise BundleError(f"the weight {name} does not fit {config}")
        if given.is_floating_point() and not torch.isfinite(given).all():
            raise BundleError(f"the weight {name} holds NaN or infinity")
