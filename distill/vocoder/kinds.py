"""networks that make sound ↔ what a bundle holds of them. A new kind of distill's own is added
here; for those of packages see `trained`.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from torch import Tensor, nn

from distill import plugins
from distill.model.mel import LogMel
from distill.vocoder.blocks import BlockVocoder
from distill.vocoder.hifigan_network import HifiGanNetwork
from distill.vocoder.phase_gradient import PhaseGradient
from distill.vocoder.phase_network import PhaseNetwork
from distill.vocoder.trained import TrainedVocoder
from distill.vocoder.vocoder import Vocoder

VocoderNetwork = PhaseNetwork | HifiGanNetwork | TrainedVocoder
NETWORKS: dict[str, type[PhaseNetwork | HifiGanNetwork]] = {
    PhaseNetwork.kind: PhaseNetwork,
    HifiGanNetwork.kind: HifiGanNetwork,
}


def state_of(network: VocoderNetwork) -> dict[str, Any]:
    """`type`, `state_dict` in half precision, and `config`."""
    if isinstance(network, TrainedVocoder):
        options = network.config.options
        source = plugins.source_of(plugins.VOCODER, network.kind) or ""
        weights = {name: in_half(value) for name, value in network.state_dict().items()}
        return {
            "type": network.kind,
            "state_dict": weights,
            "config": {"options": {**options}, "package": source},
        }
    weights = {name: value.half() for name, value in plain_weights(network).items()}
    return {"type": network.kind, "state_dict": weights, "config": asdict(network.config)}


def in_half(value: Tensor) -> Tensor:
    """A weight in half precision; whole numbers are kept as they are."""
    return value.detach().half() if value.is_floating_point() else value


def plain_weights(network: nn.Module) -> dict[str, Any]:
    """The weights as they are used: those that are normalised while training in one piece."""
    return {
        f"{place}.{name}" if place else name: getattr(layer, name).detach()
        for place, layer in network.named_modules()
        for name in ("weight", "bias")
        if isinstance(getattr(layer, name, None), Tensor)
    }


def vocoder_of(network: VocoderNetwork, spectrogram: LogMel) -> Vocoder:
    """The vocoder that a network makes sound with."""
    if isinstance(network, PhaseNetwork):
        return PhaseGradient(spectrogram, network)
    return BlockVocoder(spectrogram, network)
