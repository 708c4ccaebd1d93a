"""networks that make sound ↔ what a bundle holds of them. A new kind of vocoder is added here."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from torch import Tensor, nn

from distill.model.mel import LogMel
from distill.vocoder.hifigan import HifiGan
from distill.vocoder.hifigan_network import HifiGanNetwork
from distill.vocoder.phase_gradient import PhaseGradient
from distill.vocoder.phase_network import PhaseNetwork
from distill.vocoder.vocoder import Vocoder

VocoderNetwork = PhaseNetwork | HifiGanNetwork
NETWORKS: dict[str, type[VocoderNetwork]] = {
    PhaseNetwork.kind: PhaseNetwork,
    HifiGanNetwork.kind: HifiGanNetwork,
}


def state_of(network: VocoderNetwork) -> dict[str, Any]:
    """`type`, `state_dict` in half precision, and `config`."""
    weights = {name: value.half() for name, value in plain_weights(network).items()}
    return {"type": network.kind, "state_dict": weights, "config": asdict(network.config)}


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
    if isinstance(network, HifiGanNetwork):
        return HifiGan(spectrogram, network)
    return PhaseGradient(spectrogram, network)
