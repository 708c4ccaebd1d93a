"""channels (C, t) → one channel (t,), in which no sound is lost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Channels = NDArray[np.float32]
"""Samples (C, t) float32, each channel in one piece: many times faster to add up than blocks."""
WINDOW = 2048
"""Samples of a window in which a mix is compared with the channels."""
BANDS = (1, 32)
"""Bands: the whole, and means of 32 samples, which hold what is below about 700 Hz."""
LOST_DB = -10
"""A window is lost in a mix that is so far below its loudest channel."""
ALONE_DB = 1
"""Where the sum is at most so far above the loudest channel, that channel sounds alone. In a mean
of many it would be lost, too.
"""
LOSS = 0.02
"""A mean that loses a larger share of the windows is replaced, if another mix loses less."""
FEWEST_LOST = 3
"""At least this number of windows must be lost, about a tenth of a second, or all of a shorter
sound.
"""
AUDIBLE_DB = 40
"""Windows further below the loudest one do not count."""
SILENT_DB = 60
"""A channel that is further below the loudest one is silent, and does not count in the mean."""
WAITING = 16
"""Blocks whose windows are counted together; most sounds have fewer, and need no counting."""
LEVELS_DB = range(-120, 90)
"""Levels that are told apart, in bins of 1 dB."""
GAINS_DB = range(-30, 30)
"""Levels of the sum of all channels, above the loudest one."""


@dataclass(frozen=True)
class Mix:
    """The share of each channel in the one that is used."""

    weights: tuple[float, ...]
    detail: str = ""
    """What is unusual about it, in words; empty for the mean of all channels."""

    @classmethod
    def mean(cls, channels: int) -> Mix:
        """The mean of all channels."""
        return cls((1 / channels,) * channels)

    def of(self, channels: Channels) -> NDArray[np.float32]:
        """Channels (C, t) → (t,)."""
        weights = np.array(self.weights, np.float32)
        mixed: NDArray[np.float32]
        if len(set(self.weights)) == 1:
            mixed = channels.sum(axis=0) * weights[0]
        else:
            mixed = np.einsum("c,ct->t", weights, channels)
        return mixed


class MixChoice:
    """Watches a sound and finds the mix that loses none of it.

    A mean loses what has opposite phase in its channels, and makes quiet what sounds in one of many
    channels only.
    """

    def __init__(self, channels: int) -> None:
        self.channels = channels
        self._sums = np.zeros((len(BANDS), len(LEVELS_DB), len(GAINS_DB)), np.int32)
        """Windows by band, level of the loudest channel, and level of the sum above it."""
        self._lost = np.zeros((len(BANDS), len(LEVELS_DB), channels), np.int32)
        """Windows by band, level of the loudest channel, and channel that would lose them."""
        self._peak = np.zeros(channels, np.float32)
        """Of each channel, the power of its loudest window."""
        self._waiting: list[list[NDArray[np.float32]]] = []
        """Powers of the last windows, not counted yet."""
        self._is_suspicious = False
        """Whether a mean would lose any window."""

    def add(self, channels: Channels) -> None:
        """Look at the next samples (C, t)."""
        powers = [
            _window_powers(_means(channels, step), WINDOW // step)
            for step in BANDS
            if channels.shape[1] >= step
        ]
        self._peak = np.maximum(self._peak, powers[0][:-1].max(axis=1))
        self._waiting.append(powers)
        least = _mean_lost(self.channels)  # of fewer sounding channels, less is lost
        if not self._is_suspicious:
            self._is_suspicious = any(
                (band[-1] < least * band[:-1].max(axis=0)).any() for band in powers
            )
        if len(self._waiting) == WAITING:
            self._count()

    def best(self) -> Mix:
        """The mix that suits the sound so far; the mean of all channels wherever it will do."""
        peak_db = _decibels(self._peak)
        is_sounding = peak_db > max(peak_db.max() - SILENT_DB, LEVELS_DB.start)
        sounding = int(is_sounding.sum())
        usual = self._mean_of(is_sounding)
        if sounding < 2 or not self._is_suspicious:
            return usual
        self._count()
        first = _bins(peak_db.max(keepdims=True) - AUDIBLE_DB, LEVELS_DB)[0]
        sums, lost = self._sums[:, first:].sum(axis=1), self._lost[:, first:].sum(axis=1)
        total = np.maximum(1, sums.sum(axis=1, keepdims=True))
        summed_db = np.array(GAINS_DB)
        mean_loses = sums[:, summed_db < 10 * np.log10(_mean_lost(sounding))].sum(axis=1)
        mean_share = float((mean_loses / total[:, 0]).max())
        if mean_share <= LOSS or (mean_loses < np.minimum(FEWEST_LOST, total[:, 0])).all():
            return usual
        sum_share = float((sums[:, summed_db < LOST_DB] / total).sum(axis=1).max())
        shares = (lost / total).max(axis=0)
        channel = int(shares.argmin())
        if sounding > 3 and sum_share <= shares[channel]:
            weights = tuple(map(float, is_sounding))
            return Mix(weights, f"the {sounding} channels sound in turn, and are added")
        if shares[channel] > mean_share / 2:
            return usual
        weights = tuple(float(c == channel) for c in range(self.channels))
        which = f"channel {channel + 1} of {self.channels}"
        return Mix(weights, f"{which} is used, because the channels cancel each other")

    def _count(self) -> None:
        """Count the windows that wait."""
        for powers in self._waiting:
            for band, power in enumerate(powers):
                decibels = _decibels(power)  # (C + 1, windows)
                each_db, summed_db = decibels[:-1], decibels[-1]
                loudest_db = each_db.max(axis=0)
                level = _bins(loudest_db, LEVELS_DB)
                np.add.at(self._sums[band], (level, _bins(summed_db - loudest_db, GAINS_DB)), 1)
                np.add.at(self._lost[band], level, (each_db < loudest_db + LOST_DB).T)
        self._waiting.clear()

    def _mean_of(self, is_sounding: NDArray[np.bool_]) -> Mix:
        sounding = int(is_sounding.sum())
        if sounding in (0, self.channels):
            return Mix.mean(self.channels)
        weights = tuple(float(sounds) / sounding for sounds in is_sounding)
        numbers = [str(number) for number, sounds in enumerate(is_sounding, 1) if sounds]
        shown = ", ".join(numbers[:4]) + (", …" if len(numbers) > 4 else "")
        which = f"channel{'s' * (sounding > 1)} {shown} of {self.channels}"
        return Mix(weights, f"only {which} sound{'s' * (sounding == 1)}")


def _mean_lost(channels: int) -> float:
    """The power of the sum over that of the loudest channel, under which a mean loses a window."""
    return float(10 ** (min(LOST_DB + 20 * np.log10(channels), ALONE_DB) / 10))


def mix_whole(channels: Channels) -> tuple[NDArray[np.float32], str]:
    """Channels (C, T) of a whole sound → (T,), and what is unusual about the mix, in words."""
    choice = MixChoice(len(channels))
    choice.add(channels)
    mix = choice.best()
    return mix.of(channels), mix.detail


def channels_of(block: NDArray[np.float32]) -> Channels:
    """A block of samples (t, C) → channels (C, t)."""
    return np.ascontiguousarray(block.T)


def loudest_channel(channels: Channels) -> NDArray[np.float32]:
    """Channels (C, t) → the one with the highest peak (t,)."""
    loudest: NDArray[np.float32] = channels[np.abs(channels).max(axis=1).argmax()]
    return loudest


def _means(channels: Channels, step: int) -> Channels:
    """(C, t) → the means of every `step` samples (C, t // step)."""
    if step == 1:
        return channels
    whole = channels.shape[1] - channels.shape[1] % step
    means: Channels = np.einsum("cts->ct", channels[:, :whole].reshape(len(channels), -1, step))
    means /= step
    return means


def _window_powers(channels: Channels, window: int) -> NDArray[np.float32]:
    """(C, t) → the mean power in each window, of each channel and of their sum (C + 1, W); the last
    window can be shorter.
    """
    samples = channels.shape[1]
    starts = np.arange(0, samples, window)
    squares = np.empty((len(channels) + 1, samples), np.float32)
    np.square(channels, out=squares[:-1])
    np.square(channels.sum(axis=0), out=squares[-1])
    powers: NDArray[np.float32] = np.add.reduceat(squares, starts, axis=1)
    powers[:, :-1] /= window
    powers[:, -1] /= samples - starts[-1]
    return powers


def _bins(decibels: NDArray[np.float32], levels_db: range) -> NDArray[np.intp]:
    """Decibels → the bin of each, in bins of 1 dB; the outermost hold all that lies beyond."""
    inside = np.clip(decibels, levels_db.start, levels_db.stop - 1)
    bins: NDArray[np.intp] = (inside - levels_db.start).astype(np.intp)
    return bins


def _decibels(power: NDArray[np.float32]) -> NDArray[np.float32]:
    decibels: NDArray[np.float32] = 10 * np.log10(np.maximum(power, 10.0 ** (LEVELS_DB.start / 10)))
    return decibels
