"""mels of known sounds in dB (M, F) → which part of each can be repeated, and the same on a grid.

A sound goes on where its level hardly changes, or has a beat of its own where it has several
onsets; one that dies away after its only stroke is neither.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks, stft

from distill.generation.operators import ATTACK_S, LEAD, LONGEST_STRETCH, Mel, beginning
from distill.generation.ranges import SLOTS

STEADY_DB, LOUD_DB, STEADY_S = 9.0, 25.0, 0.4
"""A sound goes on for as long as its level stays within so many dB, near to its loudest moment; for
at least this time.
"""
SMOOTH_S = 0.03
HEARD_DB = 45.0
ONSET_DB, ONSET_SHARE, APART_S = 3.0, 0.25, 0.07
"""An onset is where the mean over all bins rises by so much, and by this share of the largest rise;
the next one is no sooner.
"""
FEWEST_ONSETS = 3
SIXTEENTHS_S = (0.07, 0.3)
"""How long a sixteenth of a sound's own beat may be: from 50 to 214 beats a minute."""
LARGEST_ERROR = 0.2
"""Mean distance of the onsets from the grid, in sixteenths, of something that has a beat; 0.25 is
chance.
"""
NEAR_DB, AFTER = 6.0, 5
"""A stroke has begun where the level comes so near to its peak within the next few frames."""
STEP_S, RISE_S, BANDS, HEARD_SHARE = 0.002, 0.016, 24, 0.35
"""How finely onsets of a waveform are looked for: steps, over which time a rise is measured, in how
many bands, and the least share of the largest rise.
"""
LATER = 0.65
"""A stroke after silence is decoded so many frames later than one after another sound, measured on
drums, toys and voices: the others are put later.
"""


@dataclass(frozen=True)
class Beat:
    """The onsets of a sound, and the grid that they lie on."""

    onsets: tuple[float, ...]
    """In frames."""
    slots: tuple[int, ...]
    """On which sixteenth each lies, the first on 0."""
    slot_frames: float
    """How long a sixteenth is."""
    end: int
    """The frame after the last one that is heard."""

    @property
    def length(self) -> int:
        """Sixteenths until it may begin again: whole beats."""
        last = (self.end - self.onsets[0]) / self.slot_frames
        beats = max(self.slots[-1] // SLOTS + 1, round(last / SLOTS))
        return SLOTS * beats


def level_of(mel: Mel, frame_s: float) -> NDArray[np.float64]:
    """The level of each frame (F,), smooth."""
    power: NDArray[np.float64] = 10 * np.log10(np.mean(10 ** (mel.astype(np.float64) / 10), axis=0))
    smooth: NDArray[np.float64] = gaussian_filter1d(power, SMOOTH_S / frame_s, mode="nearest")
    return smooth


def steady_part(mel: Mel, frame_s: float) -> slice | None:
    """The longest part of a sound that goes on, without an onset; None if there is none of
    STEADY_S.
    """
    level = level_of(mel, frame_s)
    fits = level > level.max() - LOUD_DB
    fits[[int(onset) for onset in onsets_of(mel, frame_s)]] = False
    best, first = slice(0, 0), 0
    for last in range(len(level)):
        if not fits[last]:
            first = last + 1
            continue
        while np.ptp(level[first : last + 1]) > STEADY_DB:
            first += 1
        if last + 1 - first > best.stop - best.start:
            best = slice(first, last + 1)
    return best if (best.stop - best.start) * frame_s >= STEADY_S else None


def onsets_of(mel: Mel, frame_s: float) -> list[float]:
    """Where something begins in a sound, in frames: where its level comes near to that of the
    stroke, whatever was before it.
    """
    heard = np.maximum(mel, mel.max() - HEARD_DB)
    rise = np.diff(heard, axis=1, prepend=mel.max() - HEARD_DB).clip(min=0).mean(axis=0)
    begun = max(0, beginning(mel) - 1)
    first = begun + int(rise[begun : begun + round(APART_S / frame_s)].argmax())
    least = max(ONSET_DB, ONSET_SHARE * float(rise.max()))
    peaks, _ = find_peaks(rise, height=least, distance=max(1, round(APART_S / frame_s)))
    later = [int(peak) for peak in peaks if peak > first + APART_S / frame_s]
    level = 10 * np.log10(np.mean(10 ** (mel.astype(np.float64) / 10), axis=0))
    return [_risen(level, frame) for frame in (first, *later)]


def _risen(level: NDArray[np.float64], frame: int) -> float:
    """The place where a level in dB (F,) comes within NEAR_DB of its next peak, around a frame."""
    around = level[max(0, frame - LEAD) : frame + AFTER]
    above = around >= around.max() - NEAR_DB
    place = int(np.argmax(above))
    if place == 0:
        return float(frame)
    low, high = around[place - 1], around[place]
    share = (around.max() - NEAR_DB - low) / max(1e-9, high - low)
    return max(0, frame - LEAD) + place - 1 + float(np.clip(share, 0, 1))


def onset_times(waveform: NDArray[np.float32], rate_hz: int) -> NDArray[np.float64]:
    """A waveform (T,) → when something begins in it, in seconds: where the mean rise of the bands
    within RISE_S is largest.
    """
    hop = max(1, round(STEP_S * rate_hz))
    _, _, spectra = stft(waveform, rate_hz, nperseg=8 * hop, noverlap=7 * hop)
    power = np.square(np.abs(spectra))
    edges = np.unique(np.geomspace(1, len(power), BANDS + 1).round().astype(int)) - 1
    bands = 10 * np.log10(np.add.reduceat(power, edges[:-1], axis=0) + 1e-12)
    heard = np.maximum(bands, bands.max() - HEARD_DB)
    steps = max(1, round(RISE_S / STEP_S))
    rise = (heard[:, steps:] - heard[:, :-steps]).clip(min=0).mean(axis=0)
    least = max(ONSET_DB, HEARD_SHARE * float(rise.max(initial=0)))
    peaks, _ = find_peaks(rise, height=least, distance=round(APART_S / STEP_S), prominence=2)
    times: NDArray[np.float64] = (peaks + steps / 2) * hop / rate_hz
    return times


def beat_of(mel: Mel, frame_s: float) -> Beat | None:
    """The beat of a sound; None if it has none."""
    onsets = onsets_of(mel, frame_s)
    if len(onsets) < FEWEST_ONSETS:
        return None
    heard = mel.max(axis=0) > mel.max() - HEARD_DB
    end = len(heard) - int(np.argmax(heard[::-1]))
    since = np.array(onsets) - onsets[0]
    shortest, longest = (seconds / frame_s for seconds in SIXTEENTHS_S)
    grids = np.geomspace(shortest, longest, 200)
    places = since[None] / grids[:, None]
    errors = np.abs(places - places.round()).mean(axis=1)
    # of grids that fit about as well, the widest: the finest fits everything
    fitting = np.flatnonzero(errors <= errors.min() + 0.02)
    chosen = int(fitting[-1])
    if errors[chosen] > LARGEST_ERROR:
        return None
    return _on(onsets, float(grids[chosen]), end)


def _on(onsets: list[float], slot_frames: float, end: int) -> Beat:
    """Onsets on a grid; of two on one place, the first."""
    slots = [round((onset - onsets[0]) / slot_frames) for onset in onsets]
    kept = [0, *(n for n in range(1, len(slots)) if slots[n] > slots[n - 1])]
    return Beat(tuple(onsets[n] for n in kept), tuple(slots[n] for n in kept), slot_frames, end)


def fit_tempo(beat: Beat, slot_frames: float) -> Beat:
    """The same on a grid of twice or half the width, if that is nearer to one of this width."""
    own = beat.slot_frames
    while slot_frames / own > LONGEST_STRETCH:
        own *= 2
    while slot_frames / own < 1 / LONGEST_STRETCH:
        own /= 2
    return beat if own == beat.slot_frames else _on(list(beat.onsets), own, beat.end)


def on_grid(
    mel: Mel, beat: Beat, *, slot_frames: float, slots: int, frame_s: float, frames: int
) -> Mel:
    """A sound with its onsets on a grid of `slot_frames`, (M, frames), its first one in frame LEAD:
    repeated until it has `slots`, and what comes after that is as if it went on.
    """
    attack = LEAD + round(ATTACK_S / frame_s)
    length = beat.length if beat.length < slots else slots
    after = np.arange(frames) - LATER * (np.arange(frames) > attack)
    times = (after / slot_frames) % length * slot_frames
    starts = [slot * slot_frames for slot in beat.slots if slot < length]
    source = np.empty(frames)
    ends = [*starts[1:], length * slot_frames]
    lasts = [*beat.onsets[1:], max(beat.end, beat.onsets[-1] + attack + 1.0)]
    for onset, last, start, end in zip(beat.onsets, lasts, starts, ends, strict=False):
        here = (times >= start) & (times < end)
        since, room = times[here] - start, max(1.0, end - start - attack)
        rest = last - onset - attack
        speed = max(rest / room, 1 / LONGEST_STRETCH) if rest > 0 else 1.0
        moved = np.where(since <= attack, since, attack + (since - attack) * speed)
        source[here] = onset - LEAD + np.minimum(moved, max(last - onset - 1, attack))
    return _frames_at(mel, source)


def _frames_at(mel: Mel, places: NDArray[np.float64]) -> Mel:
    """Frames at places between others (T,) → (M, T)."""
    places = places.clip(0, mel.shape[1] - 1)
    low = np.minimum(places.astype(int), max(0, mel.shape[1] - 2))
    share = (places - low).astype(np.float32)[None]
    found: Mel = mel[:, low] * (1 - share) + mel[:, np.minimum(low + 1, mel.shape[1] - 1)] * share
    return found
