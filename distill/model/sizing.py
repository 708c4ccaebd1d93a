"""collection size → codebook size, decay, epochs, with reasons; sizes → bitrate. No torch."""

from __future__ import annotations

import math
from dataclasses import dataclass

CODEBOOK_SIZES = ((20, 64), (100, 128), (500, 256), (5_000, 512))
"""(largest number of files, codes); above the last: 1024."""
LARGEST_CODEBOOK = 1024
SMALLEST_CODEBOOK = 32
VECTORS_PER_CODE = 32
DECAYS = ((100, 0.8), (1_000, 0.9))
"""(largest number of files, decay); above the last: 0.95. Few files: few steps, so the codes must
move faster.
"""
SLOWEST_DECAY = 0.95
LARGEST_DEAD_SHARE = 2 / 3
"""A code is dead at most under this share of the mean use; else a step replaces nearly all."""
LAPS = (10, 60)
"""Times that a default run goes through the collection: the fewest, and where it is small the most.
"""
TRAINED_SEGMENTS = (8_000, 48_000)
"""Segments between which a default run chooses its laps; a tiny collection takes the first."""


@dataclass(frozen=True)
class Choice:
    """A number and why it was chosen."""

    value: float
    reason: str


def codebook_size(files: int, training_vectors: int) -> Choice:
    """Codes a level for a number of usable files and of latent vectors on the training side."""
    size = next((codes for limit, codes in CODEBOOK_SIZES if files <= limit), LARGEST_CODEBOOK)
    wanted = size
    while size > SMALLEST_CODEBOOK and training_vectors < VECTORS_PER_CODE * size:
        size //= 2
    per_code = training_vectors / size
    reason = f"{files:,} files suggest {wanted}"
    if size < wanted:
        reason += f", but the sounds have only {training_vectors:,} places to code"
    return Choice(size, f"{reason}; about {per_code:,.0f} places in the sounds for each code")


def decay(files: int) -> Choice:
    """Decay of the codes' moving average."""
    value = next((decay for limit, decay in DECAYS if files <= limit), SLOWEST_DECAY)
    return Choice(value, f"{files:,} files")


def dead_code_threshold(wanted: float, *, vectors_per_step: int, codebook_size: int) -> Choice:
    """Uses a step under which a code is replaced; lower where few vectors meet many codes."""
    mean_use = vectors_per_step / codebook_size
    return Choice(
        min(wanted, LARGEST_DEAD_SHARE * mean_use),
        f"a step has {vectors_per_step:,} vectors, {mean_use:.2g} a code",
    )


def max_epochs(segments: int, *, epoch_segments: int) -> Choice:
    """Epochs of a default run on a training side of so many segments."""
    trained = max(
        TRAINED_SEGMENTS[0], min(TRAINED_SEGMENTS[1], LAPS[1] * segments), LAPS[0] * segments
    )
    return Choice(
        math.ceil(trained / epoch_segments),
        f"an epoch has {epoch_segments:,} segments, the collection {segments:,}",
    )


def total_stride(stem_stride: int, stages: int) -> int:
    """Mel frames to a latent column, and mel bins to a row."""
    return stem_stride << (stages - 1)


def bits_per_code(codebook_size: int) -> int:
    """Bits that one code takes in a file."""
    return max(1, (codebook_size - 1).bit_length())


def bitrate_kbps(
    *,
    sample_rate_hz: int,
    hop_length: int,
    n_mels: int,
    stride: int,
    levels: int,
    codebook_size: int,
) -> float:
    """Bits a second, in thousands, of one channel's codes."""
    positions_per_s = sample_rate_hz / hop_length / stride * -(-n_mels // stride)
    return round(positions_per_s * levels * bits_per_code(codebook_size) / 1000, 3)
