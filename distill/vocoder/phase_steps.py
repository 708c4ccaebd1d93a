"""complex spectrum ↔ the steps of its phase, from frame to frame and from bin to bin.

A phase alone says nothing: it depends on where the first frame begins. Its steps do not, and a
network can learn them (Masuyama et al., arXiv:2002.05832). What is known beforehand is taken out
of them: how far a sound in the middle of the bin gets in a frame, and half a turn from bin to bin,
which a steady sound has.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg.lapack import zptsv
from torch import Tensor

SUREST = 0.98
"""Lengths of predicted steps are taken as this at most: no step is certain."""
SMALLEST = np.float32(1e-12)
LEAST_SHARE = np.float32(1e-6)
"""Weight of going on from the frame before, if nothing is known of how; over that of a bin's power.
Without it, an onset behind digital silence would have no phase at all.
"""
FIRST_WEIGHT = 1e-3
"""Of the random phases that come before the first frame."""
Complex = NDArray[np.complex64]
Real = NDArray[np.float32]


def advance(n_fft: int, hop_length: int) -> Complex:
    """How far the middle of each bin turns in a frame, (bins,), of length 1."""
    turns = np.arange(n_fft // 2 + 1) * hop_length / n_fft
    turned: Complex = np.exp(2j * np.pi * turns).astype(np.complex64)
    return turned


def steps_of(spectrum: Tensor, *, n_fft: int, hop_length: int) -> tuple[Tensor, Tensor]:
    """Spectrum (..., bins, F) → its steps in time and in frequency, of the same shape; their
    lengths are the products of the two magnitudes, 0 where there is no bin or frame before.
    """
    turned = torch.from_numpy(advance(n_fft, hop_length).conj()).to(spectrum)[:, None]
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
        self._magnitude: Real | None = None

    def add(self, magnitude: Tensor, in_time: Tensor, in_frequency: Tensor) -> Tensor:
        """Magnitudes (bins, F) and predicted steps of length 0 to 1, (bins, F) complex → phases,
        (bins, F) complex64 of length 1.
        """
        loud: Real = magnitude.numpy().T + SMALLEST
        first = loud[:1] * FIRST_WEIGHT if self._magnitude is None else self._magnitude[None]
        least = LEAST_SHARE * np.square(loud)
        turn, weight = _turn_and_weight(in_time)
        weight *= loud * np.concatenate([first, loud[:-1]])
        turn = (turn * weight + least) * self._advance
        weight += least
        step, step_weight = _turn_and_weight(in_frequency)
        step_weight = step_weight[:, 1:] * loud[:, 1:] * loud[:, :-1]
        step = step[:, 1:] * step_weight  # twice negative: half a turn from bin to bin
        phases: Complex = np.empty(loud.shape, np.complex64)
        before = self._phases
        for frame in range(len(loud)):
            # in double precision: at an onset, the steps in time weigh next to nothing
            between = step_weight[frame].astype(np.float64)
            diagonal = weight[frame].astype(np.float64)
            diagonal[1:] += between
            diagonal[:-1] += between
            solved = zptsv(diagonal, step[frame], turn[frame] * before)[2].ravel()
            length = np.abs(solved)
            before = np.divide(solved, length, out=before.copy(), where=length > 0)
            phases[frame] = before
        if len(loud):
            self._phases, self._magnitude = before, loud[-1]
        return torch.from_numpy(np.ascontiguousarray(phases.T))


def _turn_and_weight(steps: Tensor) -> tuple[Complex, Real]:
    """Predicted steps (bins, F) → their directions and how sure they are, (F, bins)."""
    given = steps.numpy().T.copy()
    length = np.abs(given)
    sure = np.minimum(length, SUREST)
    given /= np.maximum(length, SMALLEST)
    return given, sure / (1 - np.square(sure))
