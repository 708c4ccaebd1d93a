"""a given sound and those that a prior knows → how it may go on: as a known sound does after what
is like its end.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from distill.generation.known import KnownSounds
from distill.generation.operators import BEGUN_DB, SETTLE_S, SMOOTH_BINS, Mel

HEARD_S = 0.3
"""So much before the end of a given sound is compared with known ones."""
LEVEL_SHARE = 0.25
"""What a dB of level counts beside a dB of colour: levels are led over."""
SHORT_DB = 6.0
"""What it costs if nothing of what is missing follows."""
PLACES = (3, 12)
"""Of so many best places one is chosen: near to what is usual, and far from it."""
GONE_DB = 32.0
"""A sound whose end is so far under its loudest frame is over: what is like it then says nothing of
how it goes on.
"""
SHORTEST_S = 0.05
MOST_PIECES = 32


def is_over(mel: Mel, frame_s: float) -> bool:
    """Whether a sound (M, F) has died away at its end."""
    last = mel[:, -max(1, round(SHORTEST_S / frame_s)) :]
    return bool(last.max() < mel.max() - GONE_DB)


def go_on(
    given: Mel,
    frames: int,
    known: KnownSounds,
    numbers: list[int],
    random: np.random.Generator,
    *,
    strength: float,
    frame_s: float,
) -> Mel:
    """A mel in dB (M, F) → the same with `frames` in all, or until it is over; what is added
    follows, in known sounds of these numbers, on what is most like the end of the given one.
    """
    whole, shortest = given, max(2, round(SHORTEST_S / frame_s))
    near, far = PLACES
    for _ in range(MOST_PIECES):
        missing = frames - whole.shape[1]
        if missing <= 0:
            break
        heard = whole[:, -max(shortest, round(HEARD_S / frame_s)) :]
        places = _like(heard, missing, known, numbers, shortest)
        if not places:
            break
        most = min(len(places), near + round(strength * (far - near)))
        number, at = places[int(random.integers(most))]
        whole = _append(whole, known.mels[number].numpy(), at, missing, frame_s)
        if is_over(whole, frame_s):
            break
    return whole[:, :frames]


def _like(
    heard: Mel, missing: int, known: KnownSounds, numbers: list[int], shortest: int
) -> list[tuple[int, int]]:
    """Known sounds, and the frames in them before which they are like what was heard; the most
    alike first, one place of a sound.
    """
    found = []
    for number in numbers:
        mel = known.mels[number].numpy()
        width = min(heard.shape[1], mel.shape[1] - shortest)
        if width < shortest:
            continue
        end = heard[:, -width:]
        windows = np.lib.stride_tricks.sliding_window_view(mel, width, axis=1)[:, :-shortest]
        apart = windows - end[:, None]  # (M, places, width)
        level = apart.mean(axis=(0, 2))
        cost = np.abs(apart - level[None, :, None]).mean(axis=(0, 2)) + LEVEL_SHARE * np.abs(level)
        after = mel.shape[1] - width - np.arange(len(cost))
        cost = cost + SHORT_DB * (1 - np.minimum(1, after / missing))
        place = int(cost.argmin())
        found.append((float(cost[place]), number, place + width))
    return [(number, at) for _, number, at in sorted(found)]


def _append(whole: Mel, other: Mel, at: int, missing: int, frame_s: float) -> Mel:
    """A sound, and after it what follows in another one from a frame on, which comes from the level
    and colour of the first to its own.
    """
    rest = other[:, at : at + missing]
    before = slice(-min(at, round(SHORTEST_S / frame_s), whole.shape[1]), None)
    ended = whole[:, before].mean(axis=1) - other[:, :at][:, before].mean(axis=1)
    colour: NDArray[np.float64] = gaussian_filter1d(ended, SMOOTH_BINS, mode="nearest")
    left = np.exp(-np.arange(1, rest.shape[1] + 1) * frame_s / SETTLE_S)
    heard = (rest > rest.max() - BEGUN_DB * 2).astype(np.float32)
    led = rest + heard * (colour[:, None] * left[None]).astype(np.float32)
    return np.concatenate([whole, led.astype(np.float32)], axis=1)
