"""size of a collection → codebook size, decay, epochs and so on, with reasons; sizes → bitrate.

Imports no torch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Generic, TypeVar

from distill.model.layout import CodeLayout

CODEBOOK_SIZES = ((20, 64), (100, 128), (500, 256), (5_000, 512))
"""(largest number of files, codes in a codebook); with more files: 1024."""
LARGEST_CODEBOOK = 1024
SMALLEST_CODEBOOK = 32
VECTORS_PER_CODE = 32
LEVEL_KBPS = 1.5
"""Highest bitrate of one level of all rows, so that three have at most 4.5 kbit/s, and four more of
the low rows 1.5.
"""
DECAYS = ((100, 0.8), (1_000, 0.9))
"""(largest number of files, decay); with more files: 0.95. Few files mean few steps, so the codes
must change faster.
"""
SLOWEST_DECAY = 0.95
LARGEST_DEAD_SHARE = 1 / 20
"""The dead-code threshold is at most this share of the mean use of a code. With 2 uses a step where
the mean is 4, codes of rare loud attacks were replaced again and again, and attacks were rough.
"""
LEARNING_RATES = {"starter": 0.0015, "random": 0.004}
"""By the weights that a network begins with; from the starter's, a higher one forgets first."""
WEIGHT_DECAYS = {"starter": 2.0, "random": 0.2}
"""The first pulls to the starter's weights, the second to zero."""
LAPS = {"starter": (1, 12), "random": (10, 60)}
"""How many times a default run goes through the collection, at least and at most, by the weights
that a network begins with.
"""
FEWEST_SEGMENTS = 1536
"""Of an epoch whose length is not given: small collections are used several times in it, so that
there are not more reports than training.
"""
TRAINED_SEGMENTS = {"starter": (4_608, 18_000), "random": (8_000, 48_000)}
"""How many segments a default run trains on, with repetitions. The second is a limit that the
fewest laps can exceed; for a tiny collection, the first comes before the most laps.
"""


Value_co = TypeVar("Value_co", bound=float | str, covariant=True)


@dataclass(frozen=True)
class Choice(Generic[Value_co]):
    """A setting that the collection or the machine chose, and why."""

    key: str
    value: Value_co
    reason: str
    is_detail: bool = False
    """Whether it is of no interest on the terminal: it is in the log and in `progress.jsonl`."""


def codebook_size(files: int, *, training_vectors: int, positions_per_s: float) -> Choice[int]:
    """Choose the number of codes of each level, from the number of usable files, the number of
    latent vectors on the training side, and the positions of the latent grid in a second of sound.
    """
    size = next((codes for limit, codes in CODEBOOK_SIZES if files <= limit), LARGEST_CODEBOOK)
    wanted = size
    most = 1 << max(1, int(1000 * LEVEL_KBPS / positions_per_s))
    size = max(SMALLEST_CODEBOOK, min(size, most))
    affordable = size
    while size > SMALLEST_CODEBOOK and training_vectors < VECTORS_PER_CODE * size:
        size //= 2
    per_code = training_vectors / size
    reason = f"{files:,} files suggest {wanted}"
    if affordable < wanted:
        reason += f", a level has at most {affordable}, for {LEVEL_KBPS} kbit/s"
    if size < affordable:
        reason += f", but the sounds have only {training_vectors:,} places to code"
    reason += f"; about {per_code:,.0f} places in the sounds for each code"
    return Choice("codebook size", size, reason)


def low_codebook_size(size: int, *, training_vectors: int) -> Choice[int]:
    """Choose the number of codes of each level that only the low rows have, from that of the other
    levels and from the number of latent vectors of the low rows on the training side.
    """
    while size > SMALLEST_CODEBOOK and training_vectors < VECTORS_PER_CODE * size:
        size //= 2
    reason = f"about {training_vectors / size:,.0f} places in the low rows for each code"
    return Choice("low codebook size", size, reason)


def decay(files: int) -> Choice[float]:
    """Choose the decay of the codes' moving average."""
    value = next((decay for limit, decay in DECAYS if files <= limit), SLOWEST_DECAY)
    return Choice("codebook decay", value, f"{files:,} files", is_detail=True)


def dead_code_threshold(
    wanted: float, *, vectors_per_step: int, codebook_size: int
) -> Choice[float]:
    """Choose how many uses in a step a code needs so that it is not replaced: `wanted`, or fewer if
    a step has few vectors for many codes.
    """
    mean_use = vectors_per_step / codebook_size
    return Choice(
        "dead-code threshold",
        min(wanted, LARGEST_DEAD_SHARE * mean_use),
        f"a step has {vectors_per_step:,} vectors, {mean_use:.2g} for each code",
        is_detail=True,
    )


def learning_rate(*, starter: bool) -> Choice[float]:
    """Choose the highest learning rate, for a network with the starter weights or without."""
    weights = "starter" if starter else "random"
    reason = f"the network begins with {weights} weights"
    return Choice("learning rate", LEARNING_RATES[weights], reason, is_detail=True)


def weight_decay(*, starter: bool) -> Choice[float]:
    """Choose the weight decay, for a network with the starter weights or without."""
    weights, goal = ("starter", "the starter weights") if starter else ("random", "zero")
    return Choice("weight decay", WEIGHT_DECAYS[weights], f"it pulls to {goal}", is_detail=True)


def max_epochs(
    segments: int, *, epoch_segments: int, starter: bool, share: float = 1
) -> Choice[int]:
    """Choose the number of epochs of a default run, or a share of them, from the segments of the
    training side, for a network with the starter weights or without.
    """
    weights = "starter" if starter else "random"
    (fewest, most), (least, largest) = LAPS[weights], TRAINED_SEGMENTS[weights]
    trained = max(least, min(largest, most * segments), fewest * segments)
    return Choice(
        "epochs",
        math.ceil(share * trained / epoch_segments),
        f"each uses {epoch_segments:,} segments, the collection has {segments:,}"
        + (f"; {share:.0%} of the usual time" if share < 1 else ""),
    )


def positions_per_s(*, sample_rate_hz: int, hop_length: int, n_mels: int, stride: int) -> float:
    """Positions of the latent grid, of all rows, in a second of one channel."""
    return sample_rate_hz / hop_length / stride * -(-n_mels // stride)


def bitrate_kbps(layout: CodeLayout, *, columns_per_s: float) -> float:
    """Bitrate of one channel's codes, in thousands of bits per second."""
    return round(columns_per_s * layout.column_bits / 1000, 3)
