"""a bundle's configurations and weights → codec and vocoder, or an error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor

from distill.bundle.content import MOST, BundleContent
from distill.codec.codec import Codec
from distill.codec.digest import CODEC_KEYS, WEIGHTS, CodecIdentity
from distill.errors import BundleError, PluginError
from distill.model.mel import LogMel
from distill.model.vqvae import ConvVQVAE
from distill.plugins import (
    QUANTIZER,
    VOCODER,
    Option,
    complete_options,
    installed,
    load,
)
from distill.system.ranges import parts, within
from distill.system.validation import InvalidError, instance_of
from distill.vocoder.hifigan_network import (
    KERNELS,
    LARGEST_FACTOR,
    HifiGanConfig,
    HifiGanNetwork,
)
from distill.vocoder.kinds import NETWORKS, VocoderNetwork, in_half
from distill.vocoder.phase_network import PhaseNetwork, PhaseNetworkConfig
from distill.vocoder.state import DEFAULT, VocoderState
from distill.vocoder.trained import TrainedVocoder, TrainedVocoderConfig

LONGEST_TYPE = 40
LARGEST_FILTER_BANK = 1 << 26


@dataclass(frozen=True)
class _PhaseGradient:
    config: PhaseNetworkConfig = field(
        metadata=parts(
            n_mels=within(1, MOST),
            bins=within(1, MOST),
            channels=within(1, MOST),
            hidden=within(1, MOST),
            blocks=within(0, 64),
        )
    )


@dataclass(frozen=True)
class _HifiGan:
    config: HifiGanConfig = field(
        metadata=parts(
            n_mels=within(1, MOST),
            channels=within(1, MOST),
            blocks=within(1, len(KERNELS)),
            upsample=within(2, LARGEST_FACTOR),
        )
    )


@dataclass(frozen=True)
class _Plugin:
    options: dict[str, Option]
    package: str = ""


CONFIGS: dict[str, type[_PhaseGradient | _HifiGan]] = {
    PhaseNetwork.kind: _PhaseGradient,
    HifiGanNetwork.kind: _HifiGan,
}
"""Type of a vocoder → what its `config` must be like."""


def rebuild_codec(content: BundleContent) -> Codec:
    """Make the codec, in eval mode. Raises BundleError."""
    metadata, network = content.metadata, rebuild_network(content).eval().requires_grad_(False)
    return Codec(
        network,
        rebuild_front_end(content),
        metadata.name,
        metadata.model_id,
        CodecIdentity(network, codec_configs(content), content.codec_digest),
    )


def codec_configs(content: BundleContent) -> dict[str, dict[str, Any]]:
    """The configurations of the codec as a bundle holds them."""
    return {key: asdict(getattr(content, key)) for key in CODEC_KEYS if key != WEIGHTS}


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
    if bool(config.low_levels) != bool(config.low_codebook_size):
        raise BundleError("vqvae_config has low levels without codes, or codes without low levels")
    try:
        kind = load(QUANTIZER, config.quantizer)
        options = complete_options(QUANTIZER, config.quantizer, config.quantizer_options)
        possible = kind.possible_size(config.codebook_size, options)
        if possible != config.codebook_size:
            raise BundleError(f"its quantizer {config.quantizer} cannot have so many codes")
        with torch.device("meta"):  # without memory, to check the shapes first
            model = ConvVQVAE(config)
    except PluginError as error:
        raise BundleError(f"{error}{_of_packages(content.metadata.packages)}") from None
    except ValueError as error:
        raise BundleError(f"vqvae_config does not fit its quantizer: {error}") from None
    check_weights(weights, model.state_dict(), config="vqvae_config")
    model = ConvVQVAE(config)
    model.load_state_dict(weights)
    return model


def rebuild_vocoder(content: BundleContent) -> VocoderNetwork | None:
    """Make the network of the model's own vocoder; None if it has none.

    Raises BundleError for a type that this version does not know, an impossible configuration, and
    weights or mels that do not fit it.
    """
    state = content.vocoder_state
    if state is None:
        return None
    if state.type not in NETWORKS:
        return _rebuild_plugin(state, content)
    try:
        config: Any = instance_of(CONFIGS[state.type], {"config": state.config}).config
    except InvalidError as error:
        raise BundleError(str(error.inside("vocoder_state"))) from None
    if not config.fits(content.spectrogram_config):
        raise BundleError("vocoder_state.config does not fit spectrogram_config")
    kind = NETWORKS[state.type]
    with torch.device("meta"):
        network = kind(config)
    expected = {name: tensor.half() for name, tensor in network.state_dict().items()}
    check_weights(state.state_dict, expected, config="vocoder_state.config")
    network = kind(config)
    network.load_state_dict({name: value.float() for name, value in state.state_dict.items()})
    return network


def _rebuild_plugin(state: VocoderState, content: BundleContent) -> TrainedVocoder:
    """The network of a vocoder of an installed package."""
    if state.type not in installed(VOCODER):
        package = str(state.config.get("package", ""))
        raise BundleError(
            f"its vocoder is of the type {state.type[:LONGEST_TYPE]!r}, which this version of "
            f"distill does not know{_of_packages([package])}; without it: --vocoder {DEFAULT}"
        )
    try:
        given = instance_of(_Plugin, state.config)
        options = complete_options(VOCODER, state.type, given.options)
        network = TrainedVocoderConfig(state.type, options, content.spectrogram_config).build()
    except (InvalidError, PluginError, ValueError) as error:
        raise BundleError(f"vocoder_state.config: {error}") from None
    expected = {name: in_half(tensor) for name, tensor in network.state_dict().items()}
    check_weights(state.state_dict, expected, config="vocoder_state.config")
    network.load_state_dict(state.state_dict)
    return network


def _of_packages(packages: Sequence[str]) -> str:
    """Where a part came from when the model was trained."""
    shown = [name for name in packages if name and name.isprintable()]
    return f"; the model was trained with {', '.join(shown)[:200]}" if shown else ""


def check_weights(
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
