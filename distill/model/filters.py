"""mel settings → how many filters hold no frequency, and the nearest settings without such ones."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from torchaudio.transforms import MelScale

LONGEST_N_FFT = 65536


@dataclass(frozen=True)
class EmptyFilters:
    """Filters that lie between two frequencies of the transform, so that they are always silent."""

    count: int
    n_mels: int | None
    """The most filters without an empty one, for the same `n_fft`; None if there are none."""
    n_fft: int | None
    """The next power of two without an empty filter, for the same `n_mels`; None if there is
    none."""


def find_empty_filters(*, sample_rate_hz: int, n_fft: int, n_mels: int) -> EmptyFilters | None:
    """Count the empty filters of the filter bank that `LogMel` uses; None if it has none."""

    def count(n_fft: int, n_mels: int) -> int:
        with without_torchaudio_warning():
            bank = MelScale(n_mels, sample_rate_hz, n_stft=n_fft // 2 + 1).fb
        return int((bank.amax(0) == 0).sum())

    empty = count(n_fft, n_mels)
    if not empty:
        return None
    low, high = 0, n_mels  # the narrower the filters, the more of them are empty
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if count(n_fft, middle) else (middle, high)
    longer = 1 << n_fft.bit_length()
    while longer <= LONGEST_N_FFT and count(longer, n_mels):
        longer *= 2
    return EmptyFilters(empty, low or None, longer if longer <= LONGEST_N_FFT else None)


@contextmanager
def without_torchaudio_warning() -> Iterator[None]:
    """Make filters without torchaudio's warning of empty ones, which does not say what to do."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="At least one mel filterbank")
        yield
