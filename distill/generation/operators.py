"""mels of known sounds, dB (M, F) → other ones, changed as a sound designer would.

None of them cuts or layers: a cut jumps, and in a layer two sounds are heard.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, gaussian_filter1d
from torch import Tensor

Mel = NDArray[np.float32]

BEGUN_DB, RISEN_DB, RISE_FRAMES = 30.0, 6.0, 14
"""A sound begins with the first frame that is this near to its loudest one; its attack is the first
frame that is so near to the loudest of the next few.
"""
ATTACK_S = 0.04
"""What is not stretched with the rest of a sound."""
LONGEST_STRETCH = 1.5
"""A known sound is made longer by this factor at most."""
LEAD = 2
"""Frames before a sound or a stroke in which a window hears it already."""
COMPRESSION = 0.3
"""Of power, for the masses that are moved: a faint partial counts almost as a loud one."""
FINE = 8
"""Places in a bin, for masses that are moved."""
SMOOTH_BINS, SMOOTH_S = 12.0, 0.06
"""How coarse the colour of a sound is: the spread of its Gaussian."""
JOIN_S = (0.02, 0.15)
"""When one sound is handed over to another, after the beginning."""
OVER_S, SETTLE_S = 0.02, 0.2
"""How long it takes, and how long until the second one has its own colour and level."""


def beginning(mel: Mel) -> int:
    """The frame that a sound begins in."""
    peaks = mel.max(axis=0)
    return int(np.argmax(peaks > peaks.max() - BEGUN_DB))


def attack_of(mel: Mel) -> int:
    """The frame in which a sound has risen, soon after its beginning."""
    begun = beginning(mel)
    peaks = mel[:, begun : begun + RISE_FRAMES].max(axis=0)
    return begun + int(np.argmax(peaks > peaks.max() - RISEN_DB))


def transpose(mel: Mel, semitones: float, centres_hz: Mel) -> Mel:
    """A sound higher by some semitones, as long as before; `centres_hz` (M,) are those of the bins.
    What is above the known bins is as their last one.
    """
    places = np.interp(centres_hz / 2 ** (semitones / 12), centres_hz, np.arange(len(centres_hz)))
    low = np.minimum(places.astype(int), len(centres_hz) - 2)
    share = (places - low).astype(np.float32)[:, None]
    moved: Mel = mel[low] * (1 - share) + mel[low + 1] * share
    return moved


def stretch(mel: Mel, frames: int, *, attack: int) -> Mel:
    """A sound of another number of frames; its attack stays as it is."""
    given, kept = mel.shape[1], min(attack, mel.shape[1], frames)
    rest = np.linspace(kept, given - 1, frames - kept) if frames > kept else np.zeros(0)
    places = np.concatenate([np.arange(kept), rest]).clip(0, given - 1)
    low = np.minimum(places.astype(int), max(0, given - 2))
    share = (places - low).astype(np.float32)[None]
    longer: Mel = mel[:, low] * (1 - share) + mel[:, np.minimum(low + 1, given - 1)] * share
    return longer


def filter_by(mel: Mel, gains_db: NDArray[np.float64]) -> Mel:
    """A sound through a smooth filter, of gains at places evenly over the bins."""
    bins = len(mel)
    at = np.linspace(0, bins - 1, len(gains_db))
    curve = gaussian_filter(np.interp(np.arange(bins), at, gains_db), bins / 16, mode="nearest")
    filtered: Mel = mel + curve[:, None].astype(np.float32)
    return filtered


def decay_faster(mel: Mel, factor: float, *, lift_db: float) -> Mel:
    """A sound that falls by `factor` as many dB; where it falls less, by `lift_db` at most."""
    level = gaussian_filter(mel.max(axis=0), 2.0, mode="nearest")
    peak = int(level.argmax())
    fallen = level - level[peak]
    fallen[:peak] = 0
    faster: Mel = mel + np.minimum((factor - 1) * fallen, lift_db)[None].astype(np.float32)
    return faster


def move(one: Mel, other: Mel, share: float, *, floor_db: float) -> Mel:
    """A sound between two of the same size: partials lie between theirs, and do not stand beside
    each other. In each frame, masses move from one spectrum to the other by optimal transport on a
    line (displacement interpolation, McCann 1997).
    """
    bins, frames = one.shape
    edges = np.arange(bins * FINE + 1) / FINE
    masses = [_masses(mel, floor_db) for mel in (one, other)]
    totals = [mass.sum(axis=0) for mass in masses]
    result = np.empty((bins, frames), np.float32)
    own = np.arange(bins + 1, dtype=np.float64)
    for frame in range(frames):
        sums = []
        for mass, total in zip(masses, totals, strict=True):
            summed = np.concatenate([[0.0], np.cumsum(mass[:, frame])]) / total[frame]
            sums.append(np.interp(edges, own, summed))
        # where the mass below each place of the one lies in the other
        partner = np.interp(sums[0], sums[1], edges)
        places = (1 - share) * edges + share * partner
        density = np.diff(np.interp(own, places, sums[0]))
        result[:, frame] = density
    total = np.exp((1 - share) * np.log(totals[0]) + share * np.log(totals[1]))
    floor = 10 ** (COMPRESSION * floor_db / 10)
    between: Mel = (10 / COMPRESSION * np.log10(result * total + floor)).astype(np.float32)
    return between


def recolour(one: Mel, other: Mel, share: float, *, frame_s: float) -> Mel:
    """The first of two sounds of the same size with the coarse spectrum of the second."""
    spread = (SMOOTH_BINS, SMOOTH_S / frame_s)
    colours = [gaussian_filter(mel, spread, mode="nearest") for mel in (one, other)]
    coloured: Mel = one + np.float32(share) * (colours[1] - colours[0])
    return coloured


def tint(one: Mel, other: Mel, share: float) -> Mel:
    """The first of two sounds with the coarse mean spectrum of the second, at its own times."""
    means = other.mean(axis=1) - one.mean(axis=1)
    change = gaussian_filter1d(means - means.mean(), SMOOTH_BINS, mode="nearest")
    tinted: Mel = one + np.float32(share) * change.astype(np.float32)[:, None]
    return tinted


def hand_over(one: Mel, other: Mel, *, begun: int, frame_s: float) -> Mel:
    """The attack of one and the body of another of the same size and beginning, joined where they
    are most alike; the second one begins with the colour of the first, and comes to its own.
    """
    frames = one.shape[1]
    first, last = (begun + max(1, round(seconds / frame_s)) for seconds in JOIN_S)
    last = min(last, frames - 2)
    if last <= first:
        return one
    apart = one - other
    apart = np.abs(apart - apart.mean(axis=0, keepdims=True)).mean(axis=0)
    join = first + int(apart[first : last + 1].argmin())
    spread = (SMOOTH_BINS, SMOOTH_S / frame_s)
    colour = gaussian_filter(one - other, spread, mode="nearest")[:, join][:, None]
    after = np.arange(frames) - join
    left = np.exp(-np.maximum(after, 0) * frame_s / SETTLE_S).astype(np.float32)
    share = 1 / (1 + np.exp(-after * frame_s * 4 / OVER_S)).astype(np.float32)
    body = other + colour * left
    joined: Mel = (one * (1 - share) + body * share).astype(np.float32)
    return joined


def _masses(mel: Mel, floor_db: float) -> NDArray[np.float64]:
    power = 10 ** (COMPRESSION * np.maximum(mel, floor_db).astype(np.float64) / 10)
    least = 10 ** (COMPRESSION * floor_db / 10)
    return power - least + 0.01 * least


def centres_of(filters: Tensor, rate_hz: int) -> Mel:
    """Mel filters (bins, M) → the middle of each in Hz, (M,)."""
    frequencies = torch.linspace(0, rate_hz / 2, len(filters))[:, None]
    centres = (filters.cpu() * frequencies).sum(dim=0) / filters.cpu().sum(dim=0).clamp(min=1e-9)
    return np.maximum.accumulate(centres.numpy())
