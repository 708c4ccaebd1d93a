"""what the network predicts + the spectrum as it was → loss."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from distill.model.mel import SpectrogramConfig
from distill.vocoder.onset_network import onset_loss
from distill.vocoder.phase_network import Prediction
from distill.vocoder.phase_steps import steps_of

QUIETEST = 1e-4
"""Magnitudes below this count as this."""
LOUDNESS = 0.5
"""Exponent of a bin's magnitude in its weight."""
LOW_HZ, LOWNESS = 200.0, 0.7
"""Weight of a bin: (frequency + LOW_HZ) to the power of -LOWNESS. The ear hears bands that are
wider the higher they are, and a bass lives in a few bins.
"""
SMALLEST = 1e-12


class PhaseLoss(NamedTuple):
    """The terms of the loss, scalars."""

    total: Tensor
    magnitude: Tensor
    """Mean absolute error in nepers."""
    in_time: Tensor
    """Mean squared distance between predicted and true steps, these of length 1: 1 - c² for the
    best prediction of length c.
    """
    in_frequency: Tensor
    onset: Tensor
    """Of the onsets, as `onset_loss` has it."""


def band_weights(bins: int, *, sample_rate_hz: int) -> Tensor:
    """How much each bin counts, (bins, 1), 1 in the mean."""
    hertz = torch.linspace(0, sample_rate_hz / 2, bins)
    weights = (hertz + LOW_HZ) ** -LOWNESS
    return (weights / weights.mean())[:, None]


def phase_loss(
    predicted: Prediction,
    inverted: Tensor,
    spectrum: Tensor,
    waveforms: Tensor,
    *,
    weights: Tensor,
    config: SpectrogramConfig,
) -> PhaseLoss:
    """Prediction, inverted mel and true spectrum (B, bins, F), waveforms (B, T), weight of each bin
    (bins, 1).
    """
    true = spectrum.abs()
    loudness = true**LOUDNESS * weights
    apart = predicted.gain + inverted.clamp(min=QUIETEST).log() - true.clamp(min=QUIETEST).log()
    heard = loudness / loudness.mean().clamp(min=SMALLEST) + (true > QUIETEST) * weights
    magnitude = (apart.abs() * heard).mean() / 2
    steps = steps_of(spectrum, n_fft=config.n_fft, hop_length=config.hop_length)
    in_time, in_frequency = (
        _distance(said, step, weights)
        for said, step in zip((predicted.in_time, predicted.in_frequency), steps, strict=True)
    )
    rate_hz, hop = config.sample_rate_hz, config.hop_length
    onset = onset_loss(predicted.onsets, waveforms, rate_hz=rate_hz, hop_length=hop)
    total = magnitude + in_time + in_frequency + onset
    return PhaseLoss(total, magnitude, in_time, in_frequency, onset)


def _distance(predicted: Tensor, step: Tensor, weights: Tensor) -> Tensor:
    length = step.abs()
    loudness = length**LOUDNESS * weights
    apart = torch.view_as_real(predicted - step / length.clamp(min=SMALLEST)).square().sum(dim=-1)
    return (apart * loudness).sum() / loudness.sum().clamp(min=SMALLEST)
