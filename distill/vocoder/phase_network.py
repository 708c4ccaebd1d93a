"""mel in dB (B, M, F) → the magnitudes of a spectrum (B, bins, F), the steps of its phase, and the
onsets in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from distill.model.mel import SpectrogramConfig
from distill.vocoder.layers import KERNEL, Block
from distill.vocoder.onset_network import OnsetNetwork

MIDDLE_DB, SPREAD_DB = -25.0, 20.0
"""Mels are brought near 0 and 1 by these, the same for every collection."""
MOST_GAIN = 5.0
"""In nepers: how far the magnitudes go from those of the inverted mel at most."""


@dataclass(frozen=True)
class PhaseNetworkConfig:
    """The sizes of a PhaseNetwork; the `config` of a bundle's `vocoder_state`."""

    n_mels: int
    bins: int
    channels: int
    hidden: int
    blocks: int

    def fits(self, mel: SpectrogramConfig) -> bool:
        """Whether it is for mels like these."""
        return (self.n_mels, self.bins) == (mel.n_mels, mel.n_fft // 2 + 1)


class Prediction(NamedTuple):
    """What the network says of a spectrum (B, bins, F)."""

    gain: Tensor
    """Its magnitudes over those of the inverted mel, in nepers."""
    in_time: Tensor
    """Complex steps of its phase, as `distill.vocoder.phase_steps` defines them. The less sure one
    is, the shorter.
    """
    in_frequency: Tensor
    onsets: Tensor
    """What an OnsetNetwork says of each frame, (B, F, PLACES + 3)."""


class PhaseNetwork(nn.Module):
    """Predicts a spectrum from its mel. It begins with the inverted mel's magnitudes."""

    kind: ClassVar[str] = "phase_gradient"

    def __init__(self, config: PhaseNetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.onsets = OnsetNetwork(config.n_mels)
        self.context = max(KERNEL // 2 * (1 + config.blocks), self.onsets.context)
        """Frames on either side that a frame depends on."""
        channels = config.channels
        self.first = nn.Conv1d(config.n_mels, channels, KERNEL, padding=KERNEL // 2)
        self.blocks = nn.Sequential(*(Block(channels, config.hidden) for _ in range(config.blocks)))
        self.norm = nn.LayerNorm(channels)
        self.gain = nn.Linear(channels, config.bins)
        self.steps = nn.Linear(channels, 4 * config.bins)
        nn.init.zeros_(self.gain.weight)
        nn.init.zeros_(self.gain.bias)

    def forward(self, mel_db: Tensor) -> Prediction:
        """Mel in dB (B, M, F) float32 → the prediction."""
        mel = (mel_db - MIDDLE_DB) / SPREAD_DB
        x = self.first(mel).transpose(1, 2)
        x = self.norm(self.blocks(x))
        gain = self.gain(x).float().transpose(1, 2).clamp(-MOST_GAIN, MOST_GAIN)
        # in float32: there are no complex numbers of bf16, in which a run may train
        parts = self.steps(x).float().unflatten(2, (4, -1)).permute(2, 0, 3, 1)
        in_time, in_frequency = (torch.complex(*parts[n : n + 2]) for n in (0, 2))
        return Prediction(gain, in_time, in_frequency, self.onsets(mel))
