"""a waveform (C, T) as a model makes it → as it is wanted in a file: sample rate, bits and peak."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd
from typing import TYPE_CHECKING

from distill.audio.resample import samples_at
from distill.errors import SoundError

if TYPE_CHECKING:
    from torch import Tensor

RATES_HZ = (44_100, 48_000, 96_000)
"""What samplers and editors read everywhere."""
BITS = (16, 24)
WITH_BITS = ("wav", "flac")
"""Formats that hold whole numbers of so many bits."""
NORMAL_PEAK_DBFS = -1.0
AROUND = 2048
"""Samples of a loop that are heard before and after it while it gets another sample rate."""
LOUDEST = 0.99
"""Another sample rate moves the peaks: none is above this afterwards."""


@dataclass(frozen=True)
class Delivery:
    """How sounds are wanted; None leaves them as they are made."""

    rate_hz: int | None = None
    bits: int | None = None
    normalise: bool = False
    """Whether each has a peak of NORMAL_PEAK_DBFS."""

    def check_format(self, suffix: str) -> None:
        """Raise SoundError if files with this suffix have no bits to choose."""
        kind = suffix.lower().lstrip(".")
        if self.bits is not None and kind not in WITH_BITS:
            raise SoundError(f"--bits {self.bits}: {kind} has none; use --format wav or flac")

    def rate_of(self, rate_hz: int) -> int:
        """The sample rate of the file of a sound that is made at `rate_hz`."""
        return self.rate_hz or rate_hz

    def apply(self, waveform: Tensor, rate_hz: int, *, is_loop: bool = False) -> Tensor:
        """A waveform (C, T) at `rate_hz` → (C, T') at `rate_of(rate_hz)`; before and after a loop
        is the loop itself.
        """
        wanted_hz = self.rate_of(rate_hz)
        whole = _resample(waveform, rate_hz, wanted_hz, is_loop=is_loop)
        peak = float(whole.abs().max())
        if peak <= 0:
            return whole
        if self.normalise:
            return normalised(whole)
        return whole * min(1.0, LOUDEST / peak) if wanted_hz != rate_hz else whole


def normalised(waveform: Tensor) -> Tensor:
    """A waveform with a peak of NORMAL_PEAK_DBFS; silence stays."""
    peak = float(waveform.abs().max())
    return waveform * (10 ** (NORMAL_PEAK_DBFS / 20) / peak) if peak > 0 else waveform


def _resample(waveform: Tensor, from_hz: int, to_hz: int, *, is_loop: bool) -> Tensor:
    import torch

    from distill.audio.chunks import resample_chunks

    shared, samples = gcd(from_hz, to_hz), waveform.shape[1]
    around = 0
    if is_loop and from_hz != to_hz:  # whole steps of both rates
        around = -(-AROUND * shared // from_hz) * from_hz // shared
        turns = 1 + 2 * -(-around // samples)
        before = (turns // 2) * samples - around
        waveform = waveform.repeat(1, turns)[:, before : before + samples + 2 * around]
    whole = torch.cat(list(resample_chunks([waveform], from_hz, to_hz)), dim=1)
    first = around * to_hz // from_hz
    return whole[:, first : first + samples_at(samples, from_hz, to_hz)]


AS_MADE = Delivery()
