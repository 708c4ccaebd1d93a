"""a sound, or what a network says of its mel → its onsets, to a fraction of a mel frame.

An onset is where the samples first reach a tenth of the loudest one of the 20 ms from there, if
that stands ONSET_DB above the 20 ms before.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d
from torch import Tensor

PLACES = 16
"""A frame's hop is divided into this many places where an onset can be."""
STEPS_A_SECOND = 4000
"""Of the envelope that onsets are looked for in."""
ONSET_DB, QUIETEST_DB, SILENCE_DB = 10.0, -30.0, -60.0
"""How far an onset stands out; how loud it is at least beside the loudest sample, and what counts
as silence before it.
"""
NEAR_S, AHEAD_S, APART_S = 0.02, 0.005, 0.015
"""What is near an onset, before it and after it; within what it stands out, and how far the next
one is at least.
"""
BEGUN, RISEN = 0.1, 0.7
"""Shares of the peak where a rise begins and ends."""
FAINTEST, SILENT_DB = 1e-5, -80.0
"""Added to the envelope; a sound that is nowhere louder than the second has no onset."""
LONGEST_RISE_MS = 25.0
LIKELY, AROUND = 0.5, 9
"""How likely an onset must be, in this number of places beside each other."""


class Onset(NamedTuple):
    """Where a sound begins anew."""

    sample: int
    rise_ms: float
    """From a tenth to 70 % of its peak."""
    before_db: float
    """Level of the 20 ms before, over the peak of the 20 ms after; SILENCE_DB at least."""


def find_onsets(waveform: NDArray[np.float32], rate_hz: int) -> list[Onset]:
    """Waveform (T,) → its onsets."""
    step = max(1, rate_hz // STEPS_A_SECOND)
    near, ahead, apart = (round(seconds * rate_hz / step) for seconds in (NEAR_S, AHEAD_S, APART_S))
    samples = np.abs(waveform)
    envelope = np.pad(samples, (0, -len(samples) % step)).reshape(-1, step).max(axis=1)
    decibels = 20 * np.log10(envelope + FAINTEST)
    loudest = decibels.max(initial=SILENT_DB)
    if loudest <= SILENT_DB:
        return []
    before = np.pad(_last_maximum(decibels, near), (1, 0), constant_values=-120.0)[:-1]
    after = _last_maximum(decibels[::-1], ahead)[::-1]
    stands_out = after - np.maximum(before, loudest + SILENCE_DB) > ONSET_DB
    onsets: list[Onset] = []
    free = 0
    for place in np.flatnonzero(stands_out & (after > loudest + QUIETEST_DB)):
        if place < free:
            continue
        heard = decibels[place : place + near]
        begun = max(heard.max() + 20 * np.log10(BEGUN), before[place] + 3)
        first = int(place + np.argmax(heard >= begun))
        onsets.append(_onset(waveform, first * step, rate_hz))
        free = first + apart
    return onsets


def _last_maximum(values: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """(S,) → the largest of each value and of the `size` - 1 before it."""
    if not len(values):
        return values
    found: NDArray[np.float32] = maximum_filter1d(
        values, size, origin=(size - 1) // 2, mode="nearest"
    )
    return found


def _onset(waveform: NDArray[np.float32], sample: int, rate_hz: int) -> Onset:
    near = round(NEAR_S * rate_hz)
    after, before = waveform[sample : sample + near], waveform[max(0, sample - near) : sample]
    peak = float(np.abs(after).max()) + FAINTEST
    rise = np.argmax(np.abs(after) >= RISEN * peak) / rate_hz
    power = float(np.square(before).mean()) if len(before) else 0.0
    level = 10 * np.log10(power / peak**2 + 10 ** (SILENCE_DB / 10))
    return Onset(sample, min(1000 * float(rise), LONGEST_RISE_MS), float(level))


def read_onsets(said: Tensor, *, hop_length: int) -> list[Onset]:
    """What an OnsetNetwork says of frames (F, PLACES + 3) → the onsets in their samples; the first
    frame lies around sample 0.
    """
    places = said[:, : PLACES + 1].softmax(dim=-1)[:, 1:].flatten()
    window = torch.ones(1, 1, AROUND)
    likely = torch.nn.functional.conv1d(places[None, None], window, padding=AROUND // 2)[0, 0]
    onsets: list[Onset] = []
    free = 0
    for place in (likely > LIKELY).nonzero()[:, 0].tolist():
        if place < free:
            continue
        first = max(0, place - AROUND // 2)
        best = first + int(places[first : place + 2 * AROUND].argmax())
        sample = round((best + 0.5) * hop_length / PLACES - hop_length / 2)
        rise, before = said[best // PLACES, PLACES + 1 :].tolist()
        onsets.append(Onset(sample, *_plain(rise, before)))
        free = best + 2 * PLACES
    return onsets


# -- rise and level as a network says them: near 0 and 1 -----------------

LEAST_RISE_MS = 0.25
QUIET_DB, PER_UNIT_DB = -30.0, 10.0


def scaled(onset: Onset) -> tuple[float, float]:
    """An onset's rise and level before it, as a network is to say them."""
    rise = float(np.log(onset.rise_ms + LEAST_RISE_MS))
    return rise, (onset.before_db - QUIET_DB) / PER_UNIT_DB


def _plain(rise: float, before: float) -> tuple[float, float]:
    """The way back."""
    rise_ms = float(np.exp(min(rise, 4.0))) - LEAST_RISE_MS
    return max(0.0, rise_ms), max(SILENCE_DB, QUIET_DB + PER_UNIT_DB * before)
