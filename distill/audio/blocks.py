"""samples with their rate, as decoders yield them → blocks (t, C) of one rate and one channel
count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from distill.audio.mono import channels_of, mix_whole
from distill.audio.resample import resample

BLOCK_FRAMES = 1 << 16
Block = NDArray[np.float32]
"""Samples (t, C) float32."""


class Piece(NamedTuple):
    """Samples as they are in a file, in which rate and channels can change."""

    samples: Block
    rate_hz: int


def rechunk(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Pieces of any length → pieces of BLOCK_FRAMES, except before a change and at the end."""
    for (rate_hz, _), group in groupby(pieces, _shape_of):
        waiting: list[Block] = []
        frames = 0
        for piece in group:
            samples = piece.samples
            if not frames and len(samples) == BLOCK_FRAMES:
                yield piece
                continue
            while frames + len(samples) >= BLOCK_FRAMES:
                cut = BLOCK_FRAMES - frames
                yield Piece(np.concatenate([*waiting, samples[:cut]]), rate_hz)
                waiting, frames, samples = [], 0, samples[cut:]
            if len(samples):
                waiting.append(samples)
                frames += len(samples)
        if frames:
            yield Piece(np.concatenate(waiting), rate_hz)


def skip_frames(pieces: Iterable[Piece], frames: int) -> Iterator[Piece]:
    """The pieces without their first `frames`."""
    for piece in pieces:
        samples = piece.samples[frames:]
        frames = max(0, frames - len(piece.samples))
        if len(samples):
            yield Piece(samples, piece.rate_hz)


def conform(pieces: Iterable[Piece], *, rate_hz: int, channels: int) -> Iterator[Block]:
    """Pieces → blocks (t, C) at one rate, with one number of channels. One channel is copied to
    all; several become one block by block, as `mix_whole` mixes them; where there is room for some
    only, the further ones are added to the last.
    """
    for (from_hz, count), group in groupby(pieces, _shape_of):
        blocks = (_spread(piece.samples, channels) for piece in group)
        if from_hz == rate_hz and count == channels:
            yield from blocks
        else:
            yield from (block for block in resample(blocks, from_hz, rate_hz) if len(block))


def _shape_of(piece: Piece) -> tuple[int, int]:
    return piece.rate_hz, piece.samples.shape[1]


def _spread(samples: Block, channels: int) -> Block:
    count = samples.shape[1]
    if count == channels:
        return samples
    if count == 1:
        return np.repeat(samples, channels, axis=1)
    if channels == 1:
        return mix_whole(channels_of(samples))[0][:, None]
    spread = np.zeros((len(samples), channels), np.float32)
    kept = min(count, channels)
    spread[:, :kept] = samples[:, :kept]
    if count > channels:
        spread[:, -1] += samples[:, channels:].sum(axis=1)
    return spread
