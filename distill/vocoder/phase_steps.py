"""complex spectrum ↔ the steps of its phase, from frame to frame and from bin to bin.

A phase alone says nothing: it depends on where the first frame begins. Its steps do not, and a
network can learn them (Masuyama et al., arXiv:2002.05832). What is known beforehand is taken out
of them: how far a sound in the middle of the bin gets in a frame, and half a turn from bin to bin,
which a steady sound has.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.linalg.lapack import zptsv
from torch import Tensor

from distill.vocoder.spectra import magnitudes

SUREST = 0.98
"""Lengths of predicted steps are taken as this at most: no step is certain."""
SMALLEST = 1e-12
SHORTEST = 1e-300
LEAST_SHARE = 1e-6
"""Weight of going on from the frame before, if nothing is known of how; over that of a bin's power.
Without it, an onset behind digital silence would have no phase at all.
"""
FIRST_WEIGHT = 1e-3
"""Of the random phases that come before the first frame."""


def advance(n_fft: int, hop_length: int) -> Tensor:
    """How far the middle of each bin turns in a frame, (bins,), complex of length 1."""
    turns = np.arange(n_fft // 2 + 1) * hop_length / n_fft
    return torch.from_numpy(np.exp(2j * np.pi * turns).astype(np.complex64))


def steps_of(spectrum: Tensor, *, n_fft: int, hop_length: int) -> tuple[Tensor, Tensor]:
    """Spectrum (..., bins, F) → its steps in time and in frequency, of the same shape; their
    lengths are the products of the two magnitudes, 0 where there is no bin or frame before.
    """
    turned = advance(n_fft, hop_length).conj().to(spectrum)[:, None]
    in_time, in_frequency = torch.zeros_like(spectrum), torch.zeros_like(spectrum)
    in_time[..., 1:] = spectrum[..., 1:] * spectrum[..., :-1].conj() * turned
    in_frequency[..., 1:, :] = -spectrum[..., 1:, :] * spectrum[..., :-1, :].conj()
    return in_time, in_frequency


class PhaseIntegral:
    """Steps and magnitudes, a chunk of frames after the other → phases.

    Each frame's phases are those that best agree with the steps from the frame before and from bin
    to bin, by weighted least squares: a tridiagonal system. A step weighs by the magnitudes on both
    of its sides, and by how sure it is: a prediction of length c is that of von Mises' distribution
    with a concentration of about c / (1 - c²).
    """

    def __init__(self, *, n_fft: int, hop_length: int, seed: int) -> None:
        self._advance = advance(n_fft, hop_length)
        random = np.random.default_rng(seed)
        turns = random.random(len(self._advance))
        self._phases = np.exp(2j * np.pi * turns)
        self._magnitude: Tensor | None = None
        """Of the frame before, (1, bins)."""

    def add(self, magnitude: Tensor, in_time: Tensor, in_frequency: Tensor) -> Tensor:
        """Magnitudes (F, bins) and predicted steps of length 0 to 1, (F, bins) complex → phases,
        (F, bins) complex64 of length 1.
        """
        if not len(magnitude):
            return in_time
        loud = magnitude + SMALLEST
        first = loud[:1] * FIRST_WEIGHT if self._magnitude is None else self._magnitude
        least = LEAST_SHARE * loud.square()
        in_time, weight = _weigh(in_time, loud * torch.cat([first, loud[:-1]]))
        in_frequency, _ = _weigh(in_frequency[:, 1:], loud[:, 1:] * loud[:, :-1])
        turns = ((in_time + least) * self._advance).numpy()
        weights = (weight + least).numpy()
        phases = np.empty(turns.shape, np.complex64)
        before = self._phases
        for frame, step in enumerate(in_frequency.numpy()):
            # in double precision: at an onset, the steps in time weigh next to nothing
            between = step.astype(np.complex128)  # twice negative: half a turn from bin to bin
            weight_between = np.abs(between)
            diagonal = weights[frame].astype(np.float64)
            diagonal[1:] += weight_between
            diagonal[:-1] += weight_between
            solved = zptsv(diagonal, between, turns[frame] * before)[2].ravel()
            before = solved / np.maximum(np.abs(solved), SHORTEST)
            phases[frame] = before
        self._phases, self._magnitude = before, loud[-1:]
        return torch.from_numpy(phases)


def _weigh(steps: Tensor, loudness: Tensor) -> tuple[Tensor, Tensor]:
    """Predicted steps and the products of their magnitudes (F, bins) → their directions, as long as
    they weigh, and these weights.
    """
    length = magnitudes(steps)
    sure = length.clamp(max=SUREST)
    weight = sure / (1 - sure.square()) * loudness
    return steps * (weight / length.clamp(min=SMALLEST)), weight
