"""waveform (B, T) → how true it looks: the discriminators of HiFi-GAN, and their losses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

PERIODS = (2, 3, 5, 7, 11)
SCALES = 3
WIDEST = 32
"""The widest layer, in widths of the first one."""
SLOPE = 0.1


class Judgement(NamedTuple):
    """What a discriminator says."""

    scores: Tensor
    """Near 1 where it takes the sound for a true one, (B, n)."""
    features: list[Tensor]
    """What its layers see."""


class PeriodDiscriminator(nn.Module):
    """Sees the samples in rows of one period each (arXiv:2010.05646, section 2.3)."""

    def __init__(self, period: int, channels: int) -> None:
        super().__init__()
        self.period = period
        widths = [1, *(channels * factor for factor in (1, 4, 16, WIDEST))]
        layers = [
            weight_norm(nn.Conv2d(narrow, wide, (5, 1), (3, 1), padding=(2, 0)))
            for narrow, wide in zip(widths, widths[1:], strict=False)
        ]
        layers.append(weight_norm(nn.Conv2d(widths[-1], widths[-1], (5, 1), padding=(2, 0))))
        self.layers = nn.ModuleList(layers)
        self.last = weight_norm(nn.Conv2d(widths[-1], 1, (3, 1), padding=(1, 0)))

    def forward(self, waveform: Tensor) -> Judgement:
        """(B, T) → its judgement."""
        missing = -waveform.shape[1] % self.period
        x = nn.functional.pad(waveform[:, None], (0, missing), "reflect")
        return _judge(x.unflatten(2, (-1, self.period)), self.layers, self.last)


class ScaleDiscriminator(nn.Module):
    """Sees the waveform as it is, or smoothed (the same section)."""

    def __init__(self, channels: int, *, is_first: bool) -> None:
        super().__init__()
        norm = spectral_norm if is_first else weight_norm
        width = 4 * channels
        widths = (1, width, width, 2 * width, 4 * width, 8 * width, 8 * width, 8 * width)
        kernels, strides = (15, 41, 41, 41, 41, 41, 5), (1, 2, 2, 4, 4, 1, 1)
        groups = (1, 4, 16, 16, 16, 16, 1)
        self.layers = nn.ModuleList(
            norm(
                nn.Conv1d(
                    narrow, wide, kernel, stride, padding=kernel // 2, groups=min(group, width)
                )
            )
            for narrow, wide, kernel, stride, group in zip(
                widths, widths[1:], kernels, strides, groups, strict=False
            )
        )
        self.last = norm(nn.Conv1d(widths[-1], 1, 3, padding=1))

    def forward(self, waveform: Tensor) -> Judgement:
        """(B, T) → its judgement."""
        return _judge(waveform[:, None], self.layers, self.last)


def _judge(x: Tensor, layers: nn.ModuleList, last: nn.Module) -> Judgement:
    features = []
    for layer in layers:
        x = nn.functional.leaky_relu(layer(x), SLOPE)
        features.append(x)
    return Judgement(last(x).flatten(1), features)


class Discriminators(nn.Module):
    """All of them: five periods, and three scales."""

    def __init__(self, channels: int) -> None:
        """`channels` of the first layer of the period discriminators: 32 in the paper."""
        super().__init__()
        self.periods = nn.ModuleList(PeriodDiscriminator(period, channels) for period in PERIODS)
        self.scales = nn.ModuleList(
            ScaleDiscriminator(channels, is_first=scale == 0) for scale in range(SCALES)
        )

    def forward(self, waveform: Tensor) -> list[Judgement]:
        """(B, T) → one judgement each."""
        judgements = [period(waveform) for period in self.periods]
        for scale in self.scales:
            judgements.append(scale(waveform))
            waveform = nn.functional.avg_pool1d(waveform[:, None], 4, 2, padding=2)[:, 0]
        return judgements


def discriminator_loss(of_true: Sequence[Judgement], of_made: Sequence[Judgement]) -> Tensor:
    """Least squares: true sounds should have a score of 1, made ones of 0 (arXiv:1611.04076)."""
    return torch.stack(
        [
            (true.scores - 1).square().mean() + made.scores.square().mean()
            for true, made in zip(of_true, of_made, strict=True)
        ]
    ).sum()


def generator_loss(of_made: Sequence[Judgement]) -> Tensor:
    """Made sounds should have a score of 1."""
    return torch.stack([(made.scores - 1).square().mean() for made in of_made]).sum()


def feature_loss(of_true: Sequence[Judgement], of_made: Sequence[Judgement]) -> Tensor:
    """Mean absolute difference of what the layers see (arXiv:1910.06711)."""
    return torch.stack(
        [
            (a.detach() - b).abs().mean()
            for true, made in zip(of_true, of_made, strict=True)
            for a, b in zip(true.features, made.features, strict=True)
        ]
    ).sum()
