"""numpy blocks (t, C), as files are read ↔ torch chunks (C, t), as models take them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from distill.audio.resample import resample


def chunks_of(blocks: Iterable[NDArray[np.float32]]) -> Iterator[Tensor]:
    """Blocks (t, C) → chunks (C, t) float32."""
    return (torch.from_numpy(np.ascontiguousarray(block.T)) for block in blocks)


def blocks_of(chunks: Iterable[Tensor]) -> Iterator[NDArray[np.float32]]:
    """Chunks (C, t) on any device → blocks (t, C)."""
    return (np.ascontiguousarray(chunk.T.cpu().numpy()) for chunk in chunks)


def resample_chunks(chunks: Iterable[Tensor], from_hz: int, to_hz: int) -> Iterator[Tensor]:
    """Chunks (C, t) float32 of one waveform at `from_hz` → its chunks at `to_hz`; if the rates are
    equal, the chunks are not changed.
    """
    if from_hz == to_hz:
        return iter(chunks)
    return chunks_of(resample(blocks_of(chunks), from_hz, to_hz))
