"""The default front end, and the vocoder with nothing but its starter weights."""

from __future__ import annotations

from functools import cache

from distill.model.mel import LogMel, SpectrogramConfig
from distill.vocoder.phase_gradient import PhaseGradient
from distill.vocoder.phase_network import PhaseNetwork, PhaseNetworkConfig
from distill.vocoder.starter import start_from_starter

DEFAULT = SpectrogramConfig(48_000, 2048, 512, 128, 1e-3, -25.0, 20.0)
SIZES = PhaseNetworkConfig(DEFAULT.n_mels, 1025, channels=256, hidden=768, blocks=4)


@cache
def starter() -> PhaseGradient:
    """The same each time."""
    network = PhaseNetwork(SIZES)
    start_from_starter(network)
    return PhaseGradient(LogMel(DEFAULT), network)
