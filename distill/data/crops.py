"""one of the segments that tile a piece → a crop near it: where it begins, how it is changed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from distill.settings.schema import AugmentConfig

PLACED_SHARE = 0.5
"""Share of the training crops at an edge of a sound whose place is drawn from the whole segment. Of
the others, those at its beginning begin at once, as nearly all files do: without them, the attack
of a sound on its own comes out quieter.
"""
LEAD_POWER = 2
"""A training lead is this power of an even draw, since short leads are the most frequent in files:
nearly half are in the first fifth of a segment. So little of the training goes to silence.
"""


@dataclass(frozen=True)
class Crop:
    """Where a segment begins, and how it is changed."""

    start: int
    """Before the piece, if silence comes first."""
    gain: float = 1.0
    shift_bins: int = 0


def random_start(
    start: int, *, low: int, high: int, length: int, random: np.random.Generator
) -> int:
    """The start of one of the segments that tile the piece [low, high) → the start of a random crop
    near it.

    A network that only sees sounds at the start of a segment loses the attack of those that begin
    later. So a piece's beginning is anywhere in its first segment, behind silence, and its end
    anywhere in its last one.
    """
    placed = random.random() < PLACED_SHARE
    if start == low:
        return low - int(random.random() ** LEAD_POWER * length) if placed else low
    if placed and start + length >= high:
        return high - 1 - int(random.integers(length))
    return max(low, min(start + int(random.uniform(-0.5, 0.5) * length), high - length))


def random_crop(
    start: int,
    *,
    low: int,
    high: int,
    length: int,
    augment: AugmentConfig,
    random: np.random.Generator,
) -> Crop:
    """Like `random_start`, with augmentation."""
    start = random_start(start, low=low, high=high, length=length, random=random)
    if not augment.enabled:
        return Crop(start)
    gain = 10 ** (augment.gain_db * random.uniform(-1, 1) / 20)
    if augment.flip_polarity and random.random() < 0.5:
        gain = -gain
    bins = int(random.integers(-augment.shift_bins, augment.shift_bins + 1))
    return Crop(start, gain, bins)


def fixed_training_crop(start: int, *, low: int, high: int, length: int, index: int) -> Crop:
    """The fixed crop of a training segment: as in training, a sound begins anywhere, but the place
    depends on the segment's index alone.
    """
    random = np.random.default_rng(index)
    return Crop(random_start(start, low=low, high=high, length=length, random=random))
