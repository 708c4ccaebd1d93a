"""a waveform between two rounds, and onsets → the same, quiet before them and sharp from there.

Frames of 43 ms smear what begins within them: part of an attack is heard before it, and it rises
slowly. What an OnsetNetwork read from the mel is put right in the waveform, in every round, so that
the phases come to agree with it.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d
from torch import Tensor

from distill.vocoder.onsets import NEAR_S, Onset

Samples = NDArray[np.float64]

SEARCHED_MS, CLOSENESS = 1.0, 0.5
"""How far from where it was read an onset is looked for, and what that distance costs, in nepers:
an onset is where the sound rises most.
"""
RISE_MS = 1.5
"""What follows an onset is compared with what is this long before it."""
HUSHED_MS, FADE_MS, EDGE_MS = 30.0, 10.0, 0.33
"""Before an onset, this long is made as quiet as the sound was there; fade at its beginning, and
how steep its end is.
"""
STANDS_OUT = 2.0
"""The peak of an onset, over the root mean square before it: what stands out less is none, as the
sudden end of a sound.
"""
MARGIN = 1.4
"""Louder than this, over the level, is made quieter."""
QUICK_MS = 2.5
"""What is read to rise within this is raised."""
RAISED_MS, FULL_MS, LEAST_IN_MS = 5.0, 2.0, 0.25
"""How long an attack is raised, until when in full, and its fade at the beginning at least; else
that takes half of the rise.
"""
MOST_RAISED = 10 ** (6 / 20)
RAISED_TO = 0.8
"""Of the peak of the 7.5 ms from the onset."""
RISEN_ALREADY = 0.7
"""Of the loudest sample so far: what an attack has risen to."""
SMALLEST = 1e-9


def sharpen(
    waveform: Tensor, onsets: Iterable[Onset], rate_hz: int, *, only_before: bool
) -> Tensor:
    """Waveform (T,) float32 and its onsets → (T,), another one only near the onsets; with
    `only_before`, only before them.
    """
    sound: Samples | None = None
    per_ms = rate_hz / 1000
    for onset in onsets:
        if not 2 * per_ms < onset.sample < len(waveform) - 10 * per_ms:
            continue
        if sound is None:
            sound = waveform.numpy().astype(np.float64)
        begin, near = _steepest(sound, onset.sample, per_ms), round(NEAR_S * rate_hz)
        peak = float(np.abs(sound[begin : begin + near]).max())
        before = sound[max(0, begin - near) : begin]
        if peak > SMALLEST + STANDS_OUT * float(np.sqrt(np.square(before).mean())):
            _hush(sound, begin, peak * 10 ** (onset.before_db / 20), per_ms)
            if onset.rise_ms <= QUICK_MS and not only_before:
                _raise(sound, begin, onset.rise_ms, per_ms)
    return waveform if sound is None else torch.from_numpy(sound.astype(np.float32))


def _steepest(sound: Samples, sample: int, per_ms: float) -> int:
    """The sample near the given one where the sound rises most."""
    near, rise = round(SEARCHED_MS * per_ms), round(RISE_MS * per_ms)
    first, stop = max(rise, sample - near), min(len(sound) - rise, sample + near)
    if first >= stop:
        return sample
    energy = np.concatenate([[0.0], np.cumsum(np.square(sound[first - rise : stop + rise]))])
    places = np.arange(0, stop - first, max(1, round(per_ms / 8)))
    before = energy[places + rise] - energy[places]
    after = energy[places + 2 * rise] - energy[places + rise]
    least = float(after.max()) * 1e-4 + SMALLEST
    steepness = np.log((after + least) / (before + 10 * least))
    steepness -= CLOSENESS * np.abs(first + places - sample) / near
    return int(first + places[steepness.argmax()])


def _hush(sound: Samples, begin: int, level: float, per_ms: float) -> None:
    """Make what is before an onset as quiet as the level, in place."""
    first = max(0, begin - round(HUSHED_MS * per_ms))
    gain = np.minimum(1, MARGIN * level / (_envelope(sound[first:begin], 2 * per_ms) + SMALLEST))
    fade, edge = (min(len(gain), round(ms * per_ms)) for ms in (FADE_MS, EDGE_MS))
    gain[:fade] += (1 - gain[:fade]) * np.linspace(1, 0, fade)
    gain[len(gain) - edge :] **= np.linspace(1, 0, edge)
    sound[first:begin] *= gain


def _raise(sound: Samples, begin: int, rise_ms: float, per_ms: float) -> None:
    """Let a sound rise within this time, in place."""
    in_ms = max(LEAST_IN_MS, rise_ms / 2)
    raised, full, fade = (round(ms * per_ms) for ms in (RAISED_MS, FULL_MS, in_ms))
    part = sound[begin : begin + raised]
    if len(part) < raised:
        return
    peak = float(np.abs(sound[begin : begin + raised * 3 // 2]).max())
    there = 1.5 * _envelope(sound[begin : begin + 2 * raised], per_ms)[:raised]
    there = np.maximum(there, RISEN_ALREADY * np.maximum.accumulate(np.abs(part)))
    gain = np.clip(RAISED_TO * peak / (there + SMALLEST), 1, MOST_RAISED)
    shape = np.ones(raised)
    shape[:fade] = np.linspace(0, 1, fade)
    shape[full:] = np.linspace(1, 0, raised - full)
    part *= gain**shape


def _envelope(sound: Samples, width: float) -> Samples:
    """(T,) → the root mean square around each sample."""
    power: Samples = uniform_filter1d(np.square(sound), max(1, round(width)), mode="constant")
    return np.sqrt(power)
