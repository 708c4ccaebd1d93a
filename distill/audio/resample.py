"""waveform chunks (C, t) at one rate → chunks at another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from torch import Tensor


def resampled(chunks: Iterable[Tensor], from_hz: int, to_hz: int) -> Iterator[Tensor]:
    """Chunks (C, t) float32 of one waveform at `from_hz` → the same at `to_hz`, `samples_at` in
    all (soxr, high quality).
    """
    if from_hz == to_hz:
        yield from chunks
        return
    resampler: soxr.ResampleStream | None = None
    first, given = torch.zeros(0, 0), 0
    for chunk in chunks:
        if not chunk.shape[1]:
            continue
        if resampler is None:
            first = chunk[:, :1]
            resampler = soxr.ResampleStream(from_hz, to_hz, len(chunk), dtype="float32")
        yield (turned := _turned(resampler.resample_chunk(_flat(chunk))))
        given += turned.shape[1]
    if resampler is not None:
        rest = _turned(resampler.resample_chunk(_flat(first[:, :0]), last=True))
        yield rest if given + rest.shape[1] else first  # of one sample, less than half can be left


def samples_at(samples: int, from_hz: int, to_hz: int) -> int:
    """Length of a waveform after resampling: rounded half up, at least 1."""
    return max(1, (2 * samples * to_hz + from_hz) // (2 * from_hz))


def _flat(chunk: Tensor) -> NDArray[np.float32]:
    """(C, t) → (t, C), or (t,) for one channel: as soxr wants it."""
    block: NDArray[np.float32] = np.ascontiguousarray(chunk.T.cpu().numpy())
    return block[:, 0] if block.shape[1] == 1 else block


def _turned(block: NDArray[np.float32]) -> Tensor:
    """(t, C) or (t,) → (C, t)."""
    return torch.from_numpy(np.ascontiguousarray(np.atleast_2d(block.T)))
