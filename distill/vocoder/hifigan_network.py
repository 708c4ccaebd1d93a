"""mel in dB (B, M, F) → waveform (B, F · hop length): the generator of HiFi-GAN V2."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

import torch
from torch import Tensor, nn

from distill.model.mel import SpectrogramConfig

LARGEST_FACTOR, MOST_FACTORS = 8, 16
KERNELS, DILATIONS = (3, 7, 11), (1, 3, 5)
"""Of the residual blocks."""
END_KERNEL = 7
SLOPE, LAST_SLOPE = 0.1, 0.01
"""Of the leaky ReLUs."""
MIDDLE_DB, SPREAD_DB = -25.0, 20.0
"""Mels are brought near 0 and 1 by these, the same for every collection."""
SPREAD = 0.01
"""Standard deviation of the first weights."""


@dataclass(frozen=True)
class HifiGanConfig:
    """The sizes of a HifiGanNetwork; the `config` of a bundle's `vocoder_state`."""

    n_mels: int
    channels: int
    """Before the first upsampling; each one halves them."""
    blocks: int
    """Residual blocks after each upsampling, with kernels of 3, 7 and 11."""
    upsample: tuple[int, ...]
    """Factors whose product is the hop length."""

    @property
    def hop_length(self) -> int:
        """Samples for each frame."""
        return prod(self.upsample)

    def fits(self, mel: SpectrogramConfig) -> bool:
        """Whether it is for mels like these."""
        few = len(self.upsample) <= MOST_FACTORS  # the product of a million is a long number
        return few and (self.n_mels, self.hop_length) == (mel.n_mels, mel.hop_length)


def upsampling(hop_length: int) -> tuple[int, ...] | None:
    """A hop length → factors of at most 8, the largest first: 8, 8, 4, 2 for 512. None if it has a
    prime factor above 8.
    """
    factors, left = [], hop_length
    while left > 1:
        factor = next((f for f in range(LARGEST_FACTOR, 1, -1) if left % f == 0), None)
        if factor is None:
            return None
        factors.append(factor)
        left //= factor
    if factors[-2:] == [8, 8] and len(factors) > 2:  # the last step is a small one, as in the paper
        factors[-1:] = [4, 2]
    return tuple(factors)


class ResidualBlock(nn.Module):
    """Three pairs of convolutions, the first of each pair dilated: "ResBlock1" of the paper."""

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        self.wide = nn.ModuleList(_convolution(channels, kernel, each) for each in DILATIONS)
        self.narrow = nn.ModuleList(_convolution(channels, kernel, 1) for _ in DILATIONS)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T) → (B, C, T)."""
        for wide, narrow in zip(self.wide, self.narrow, strict=True):
            changed = wide(nn.functional.leaky_relu(x, SLOPE))
            x = x + narrow(nn.functional.leaky_relu(changed, SLOPE))
        return x


def _convolution(channels: int, kernel: int, dilation: int) -> nn.Conv1d:
    padding = dilation * (kernel // 2)
    return nn.Conv1d(channels, channels, kernel, dilation=dilation, padding=padding)


class HifiGanNetwork(nn.Module):
    """The generator of HiFi-GAN V2 (Kong et al., arXiv:2010.05646), for any hop length."""

    kind: ClassVar[str] = "hifigan_v2"
    title: ClassVar[str] = "HiFi-GAN"

    def __init__(self, config: HifiGanConfig) -> None:
        super().__init__()
        self.config = config
        widths = [max(1, config.channels >> step) for step in range(len(config.upsample) + 1)]
        half = END_KERNEL // 2
        self.first = nn.Conv1d(config.n_mels, widths[0], END_KERNEL, padding=half)
        self.upsample = nn.ModuleList(
            nn.ConvTranspose1d(
                width,
                narrower,
                2 * factor,
                stride=factor,
                padding=(factor + 1) // 2,
                output_padding=factor % 2,
            )
            for width, narrower, factor in zip(widths, widths[1:], config.upsample, strict=False)
        )
        self.blocks = nn.ModuleList(
            nn.ModuleList(ResidualBlock(width, kernel) for kernel in KERNELS[: config.blocks])
            for width in widths[1:]
        )
        self.last = nn.Conv1d(widths[-1], 1, END_KERNEL, padding=half)
        for layer in (*self.upsample, *self.blocks.modules(), self.last):
            if isinstance(layer, nn.Conv1d | nn.ConvTranspose1d):
                nn.init.normal_(layer.weight, 0, SPREAD)

    @property
    def hop_length(self) -> int:
        """Samples of a frame."""
        return self.config.hop_length

    @property
    def context(self) -> int:
        """Frames on either side that a sample depends on, at most."""
        kernel = KERNELS[self.config.blocks - 1]
        block = kernel // 2 * (sum(DILATIONS) + len(DILATIONS))
        reached, samples = float(END_KERNEL // 2), 1
        for factor in self.config.upsample:
            samples *= factor
            reached += 2 + block / samples
        return int(reached + END_KERNEL) + 1

    def forward(self, mel_db: Tensor) -> Tensor:
        """Mel in dB (B, M, F) float32 → waveform (B, F · hop length) in [-1, 1]; its sample
        f · hop length is the middle of frame f.
        """
        x = self.first((mel_db - MIDDLE_DB) / SPREAD_DB)
        for upsample, blocks in zip(self.upsample, self.blocks, strict=True):
            x = upsample(nn.functional.leaky_relu(x, SLOPE))
            assert isinstance(blocks, nn.ModuleList)
            x = torch.stack([block(x) for block in blocks]).mean(dim=0)
        return torch.tanh(self.last(nn.functional.leaky_relu(x, LAST_SLOPE)))[:, 0]
