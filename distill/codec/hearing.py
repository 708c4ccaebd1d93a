"""mels of an original and of its reconstruction, in dB → figures of what a person would hear.

Onset: how well a sound's beginning is kept. Level: how loud the whole is. The mel error, a mean
over all bins of all frames, shows neither.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

ONSET_FRAMES = 6
"""How many mel frames are a sound's beginning; with the default settings 64 ms."""
LOUD_DB = -50.0
"""A frame sounds if one of its bins is louder than this."""
LEADS_S = (0.0, 0.05, 0.17, 0.3, 0.68)
"""Durations of digital silence before the held-out sounds whose onset is measured."""
FINE_FLOOR = 1e-4
"""Magnitudes below this count as this in `fine_db`."""
LOWEST_SIDE_DB = -99.0
LEAST_ENERGY = 1e-9
"""Added to both energies, so that silence has a level, too."""


@dataclass(frozen=True)
class Onset:
    """What became of a sound's first sounding frames."""

    error_db: float
    """Mean absolute difference."""
    peak_db: float
    """How much quieter their loudest bin is; below 0 if it is louder."""


@dataclass(frozen=True)
class LoudnessRange:
    """How loud several reconstructions are beside their originals, in dB: the median, and what 10 %
    and 90 % are under.
    """

    median_db: float
    low_db: float
    high_db: float


def first_sounding_frame(decibels: Tensor) -> int | None:
    """Mel in dB (..., M, F) → the first frame in which any bin is loud; None if there is none."""
    loud = (decibels.flatten(0, -2).amax(dim=0) > LOUD_DB).nonzero()
    return int(loud[0]) if len(loud) else None


def fine_db(original: Tensor, other: Tensor, *, window: int) -> float:
    """Two waveforms (T,) → mean absolute difference of their spectra in dB, with windows of
    `window` samples: the shorter, the finer in time. Unlike the mel error it sees details that mels
    leave out.
    """

    def decibels(waveform: Tensor) -> Tensor:
        shape = torch.hann_window(window)
        spectrum = torch.stft(waveform, window, window // 4, window=shape, return_complex=True)
        return 20 * spectrum.abs().clamp(min=FINE_FLOOR).log10()

    return float((decibels(original) - decibels(other)).abs().mean())


def onset_errors_db(original: Tensor, other: Tensor, *, start: int) -> tuple[Tensor, Tensor]:
    """Mels in dB (B, 1, M, F) of sounds that begin at the frame `start` → (B,) mean absolute
    differences over the first frames from there, and (B,) how much quieter the loudest bin is.
    """
    first = original[..., start : start + ONSET_FRAMES]
    same = other[..., start : start + ONSET_FRAMES]
    error = (first - same).abs().mean(dim=(1, 2, 3))
    return error, first.amax(dim=(1, 2, 3)) - same.amax(dim=(1, 2, 3))


def onset_of(original: Tensor, other: Tensor) -> Onset:
    """Mels in dB (C, 1, M, F) of one sound → its onset, from the first sounding frame of any of its
    channels. A sound without one is measured from its first frame.
    """
    meter = OnsetMeter()
    meter.add(original, other)
    return meter.onset()


class OnsetMeter:
    """`onset_of` for mels in chunks, with constant memory."""

    def __init__(self) -> None:
        self._pairs: list[Tensor] = []
        """Both mels, (2, C, 1, M, f): of the sound's beginning, if that has come, else of the first
        frames.
        """
        self._begun = False

    def add(self, original: Tensor, other: Tensor) -> None:
        """Add the next frames of both mels in dB, (C, 1, M, f)."""
        if self._begun and self._is_full:
            return
        start = None if self._begun else first_sounding_frame(original)
        if start is not None:
            self._begun = True
            self._pairs = []
        missing = ONSET_FRAMES - sum(pair.shape[-1] for pair in self._pairs)
        if missing > 0:
            first = start or 0
            pair = torch.stack((original, other))[..., first : first + missing]
            self._pairs.append(pair.clone())  # a view would keep the whole chunk in memory

    @property
    def _is_full(self) -> bool:
        return sum(pair.shape[-1] for pair in self._pairs) >= ONSET_FRAMES

    def onset(self) -> Onset:
        """The onset of what was added; raises ValueError if that is nothing."""
        if not self._pairs:
            raise ValueError("a mel without frames has no onset")
        original, other = torch.cat(self._pairs, dim=-1).double()
        return Onset(
            float((original - other).abs().mean()), float(original.max()) - float(other.max())
        )


class EnergyMeter:
    """Measures a waveform's energy, a sum of squares, while its chunks go to whoever uses them."""

    def __init__(self) -> None:
        self.energy = 0.0
        self._side: float | None = None

    def measure(self, chunks: Iterable[Tensor]) -> Iterator[Tensor]:
        """Yield the chunks (C, t) unchanged; all is complete when they are all taken."""
        for chunk in chunks:
            self.energy += float(chunk.double().square().sum())
            if len(chunk) == 2:
                side = (chunk[0] - chunk[1]).double().square().sum() / 2
                self._side = (self._side or 0.0) + float(side)
            yield chunk

    @property
    def side_db(self) -> float | None:
        """How loud the difference of two channels is: 0 dB if they are opposite, -3 dB if they have
        nothing in common, LOWEST_SIDE_DB if they are the same; None if they are not two.
        """
        if self._side is None:
            return None
        least = 10 ** (LOWEST_SIDE_DB / 10)
        return 10 * math.log10(max(least, self._side / self.energy if self.energy else 0.0))


def level_db(original: float, other: float) -> float:
    """Energies (sums of squares) of a sound and its reconstruction → the level in dB; below 0 if
    the reconstruction is quieter.
    """
    return 10 * math.log10((other + LEAST_ENERGY) / (original + LEAST_ENERGY))


def mel_energies(decibels: Tensor, frames: Tensor) -> Tensor:
    """Mels in dB (B, 1, M, F), and which of their frames sound, (B, F) bool → energies (B,).

    The sum of the squared mel magnitudes: a stand-in for the energy of the sounds, where a vocoder
    would take too long. It gives more weight to high noise, which fills the wide filters there,
    than a waveform does, and does not see what a vocoder loses. Compare it only with another mel's.
    """
    squares = 10 ** (decibels[:, 0] / 10)
    return (squares.sum(dim=1) * frames).sum(dim=-1)


def mel_levels_db(original: Tensor, other: Tensor, frames: Tensor) -> Tensor:
    """Mels in dB (B, 1, M, F), and which frames sound, (B, F) bool → levels (B,) by mel energy."""
    before, after = (mel_energies(mel, frames) + LEAST_ENERGY for mel in (original, other))
    return 10 * torch.log10(after / before)


def loudness_range(levels_db: Iterable[float]) -> LoudnessRange:
    """Levels in dB of one or more sounds → their median and range, between neighbours by their
    distances.
    """
    values = torch.tensor(list(levels_db), dtype=torch.float64)
    shares = torch.tensor((0.5, 0.1, 0.9), dtype=torch.float64)
    median, low, high = torch.quantile(values, shares).tolist()
    return LoudnessRange(median, low, high)
