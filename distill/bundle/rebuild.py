"""a bundle's configurations and weights → the network and the mel front end, or an error."""

from __future__ import annotations

import torch
from torch import Tensor

from distill.bundle.content import BundleContent
from distill.errors import BundleError
from distill.model.mel import LogMel
from distill.model.vqvae import ConvVQVAE

LARGEST_FILTER_BANK = 1 << 26


def rebuild_front_end(content: BundleContent) -> LogMel:
    """Make the mel front end; raises BundleError if it would need far too much memory."""
    config = content.spectrogram_config
    if config.n_fft * config.n_mels > LARGEST_FILTER_BANK:
        raise BundleError(
            f"spectrogram_config is too large: n_fft {config.n_fft:,}, n_mels {config.n_mels:,}"
        )
    return LogMel(config)


def rebuild_network(content: BundleContent) -> ConvVQVAE:
    """Make the network with its weights; raises BundleError for an impossible configuration, or
    weights that do not fit it.
    """
    config, weights = content.vqvae_config, content.model_state_dict
    with torch.device("meta"):  # without memory, to check the shapes first
        model = ConvVQVAE(config)
    expected = model.state_dict()
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
            raise BundleError(f"the weight {name} does not fit vqvae_config")
        if given.is_floating_point() and not torch.isfinite(given).all():
            raise BundleError(f"the weight {name} holds NaN or infinity")
    model = ConvVQVAE(config)
    model.load_state_dict(weights)
    return model
