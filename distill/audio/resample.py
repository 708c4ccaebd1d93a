"""blocks of samples at one sample rate → blocks at another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import soxr
from numpy.typing import NDArray

Block = NDArray[np.float32]
"""Samples (t,) of one channel, or (t, C)."""


def resample(blocks: Iterable[Block], from_hz: int, to_hz: int) -> Iterator[Block]:
    """Blocks of one sound at `from_hz` → its blocks at `to_hz`, with `samples_at` samples in all
    (soxr, high quality). The result does not depend on where the blocks are cut.
    """
    if from_hz == to_hz:
        yield from blocks
        return
    resampler: soxr.ResampleStream | None = None
    first, done = np.zeros(0, np.float32), 0
    for block in blocks:
        if not len(block):
            continue
        if resampler is None:
            first = block[:1].copy()
            channels = block.shape[1] if block.ndim == 2 else 1
            resampler = soxr.ResampleStream(from_hz, to_hz, channels, dtype="float32")
        yield (part := resampler.resample_chunk(block))
        done += len(part)
    if resampler is not None:
        rest = resampler.resample_chunk(first[:0], last=True)
        yield rest if done + len(rest) else first  # a very short sound keeps one sample


def samples_at(samples: int, from_hz: int, to_hz: int) -> int:
    """Length of a waveform after resampling: rounded half up, at least 1."""
    return max(1, (2 * samples * to_hz + from_hz) // (2 * from_hz))
