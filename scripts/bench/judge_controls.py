"""real waveforms (T,) → controls: sets of sounds of which it is known how well they can be told.

Each is made of waveforms, before the codec, and of real sounds alone: altered ones that nobody
should tell, and false ones, made of two, that a judge must tell to be one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import signal

Samples = NDArray[np.float32]
Rng = np.random.Generator
RATE_HZ = 48_000
LONGEST_S = 1.7
"""A little more than is looked at, so that nobody sees how it was cut off."""
HEARD_SHARE = 0.03
FADE_IN_S, FADE_OUT_S = 0.0005, 0.005
PEAK = 0.9
SEMITONES, FILTER_DB = 3.0, 6.0
FILTER_HZ = (200.0, 4000.0)
PADDING_S = (0.005, 0.03)
LEAST_KEPT = 0.9
FIRST_CUT_S, LAST_CUT, LOUD_DB = 0.04, 0.75, 18.0
"""A sound is left after this time, before this share of the shorter of both, where it is within
this of its loudest moment: a cut that nobody hears is none.
"""
LEVEL_DB = 6.0
CROSSFADE_S = (0.02, 0.12)
STEP_S = 0.01
PARTNERS = (0.8, 1.6)
FEWEST_PARTNERS = 5


@dataclass(frozen=True)
class Control:
    """How a set of sounds is made, and within which bounds it must be told."""

    make: Callable[[Samples, Samples, Rng], Samples]
    """A sound, and another one of about its length → one of the set."""
    least: float
    most: float


def prepare(waveform: Samples) -> Samples:
    """A waveform → the same from the first to the last sample that is heard, at most LONGEST_S,
    faded, at one level.
    """
    share = np.abs(waveform) / max(float(np.abs(waveform).max()), 1e-6)
    heard = np.flatnonzero(share > HEARD_SHARE)
    first, last = (int(heard[0]), int(heard[-1])) if len(heard) else (0, len(share) - 1)
    into, out = round(FADE_IN_S * RATE_HZ), round(FADE_OUT_S * RATE_HZ)
    first = max(0, first - into)
    sound = waveform[first : last + 1][: round(LONGEST_S * RATE_HZ)].astype(np.float32)
    into, out = min(into, len(sound) // 4), min(out, len(sound) // 4)
    sound[:into] *= np.linspace(0, 1, into, dtype=np.float32)
    sound[len(sound) - out :] *= np.linspace(1, 0, out, dtype=np.float32)
    return sound * np.float32(PEAK / max(float(np.abs(sound).max()), 1e-6))


def pad(sound: Samples, _: Samples, rng: Rng) -> Samples:
    """A sound with silence before it, a little less of its end, and a fade."""
    kept = sound[: round(rng.uniform(LEAST_KEPT, 1) * len(sound))].copy()
    fade = min(len(kept) // 4, round(rng.uniform(0.005, 0.03) * RATE_HZ))
    kept[len(kept) - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
    return np.pad(kept, (round(rng.uniform(*PADDING_S) * RATE_HZ), 0))


def augment(sound: Samples, _: Samples, rng: Rng) -> Samples:
    """A sound at another pitch, by playing it faster or slower, at another level, filtered."""
    speed = 2 ** (rng.uniform(-SEMITONES, SEMITONES) / 12)
    hundredths = round(100 * speed)
    played = signal.resample_poly(sound, 100, hundredths)
    edge = np.exp(rng.uniform(*np.log(FILTER_HZ)))
    low = signal.sosfilt(signal.butter(1, edge, fs=RATE_HZ, output="sos"), played)
    gain = 10 ** (rng.uniform(-FILTER_DB, FILTER_DB) / 20)
    tilted = (low + gain * (played - low)) * 10 ** (rng.uniform(-6, 0) / 20)
    return prepare(np.asarray(tilted, np.float32))


def cut_hard(sound: Samples, other: Samples, rng: Rng) -> Samples:
    """The beginning of a sound, then another one, from there or from its beginning."""
    return _cut(sound, other, rng, width_s=0.0)


def crossfade(sound: Samples, other: Samples, rng: Rng) -> Samples:
    """The same, but that one leads over to the other."""
    return _cut(sound, other, rng, width_s=float(rng.uniform(*CROSSFADE_S)))


def layer(sound: Samples, other: Samples, rng: Rng) -> Samples:
    """Two sounds at once, as long as the first, at about equal levels."""
    gain = 10 ** (rng.uniform(-LEVEL_DB, 0) / 20) * _rms(sound) / _rms(other)
    fitting = _fit(other, len(sound))
    return prepare(sound + np.float32(gain) * fitting)


CONTROLS = {
    "padded": Control(pad, 0.45, 0.55),
    "augmented": Control(augment, 0.0, 0.6),
    "hard cuts": Control(cut_hard, 0.85, 1.0),
    "crossfades": Control(crossfade, 0.7, 1.0),
    "layers": Control(layer, 0.7, 1.0),
}


def pairs(sounds: Sequence[Samples], rng: Rng) -> list[tuple[Samples, Samples]]:
    """Each sound, and another one of about its length."""
    lengths = np.array([len(sound) for sound in sounds])
    found = []
    for number, sound in enumerate(sounds):
        ratio = np.abs(np.log(lengths / (len(sound) * np.sqrt(PARTNERS[0] * PARTNERS[1]))))
        ratio[number] = np.inf
        fits = max(FEWEST_PARTNERS, int((ratio <= np.log(PARTNERS[1] / PARTNERS[0]) / 2).sum()))
        nearest = np.argsort(ratio, kind="stable")[: min(fits, len(sounds) - 1)]
        found.append((sound, sounds[int(rng.choice(nearest))]))
    return found


def _cut(sound: Samples, other: Samples, rng: Rng, *, width_s: float) -> Samples:
    edge = _place(sound, other, rng)
    begin = 0 if rng.random() < 0.5 else edge
    rest = _fit(other[begin:], len(sound) - edge)
    around = round(8 * STEP_S * RATE_HZ)
    gain = _rms(sound[max(0, edge - around) : edge]) / _rms(rest[:around])
    gain = min(gain * 10 ** (rng.uniform(-LEVEL_DB, LEVEL_DB) / 20), 30.0)
    second = np.pad(rest, (edge, 0))
    width = min(round(width_s * RATE_HZ), 2 * edge, 2 * (len(sound) - edge))
    if width > 1:  # what comes before the second one's part is heard, too
        before = other[max(0, begin - width // 2) : begin]
        second[edge - len(before) : edge] = before
        line = np.clip((np.arange(len(sound)) - edge) / width + 0.5, 0, 1)
        share = np.sin(np.pi / 2 * line)
        mixed = sound * np.cos(np.pi / 2 * line) + gain * second * share
    else:
        mixed = np.concatenate([sound[:edge], gain * rest])
    return prepare(mixed.astype(np.float32))


def _place(sound: Samples, other: Samples, rng: Rng) -> int:
    """A sample with which to leave a sound."""
    step = round(STEP_S * RATE_HZ)
    end = LAST_CUT * min(len(sound), len(other))
    loudness = [_rms(sound[at : at + step]) for at in range(0, max(1, len(sound) - step), step)]
    loud = np.array(loudness) > max(loudness) * 10 ** (-LOUD_DB / 20)
    places = np.flatnonzero(loud) * step
    fitting = places[(places >= FIRST_CUT_S * RATE_HZ) & (places <= end)]
    if len(fitting) == 0:
        return min(round(FIRST_CUT_S * RATE_HZ), len(sound) // 2)
    return min(int(rng.choice(fitting)) + int(rng.integers(step)), len(sound) - 1)


def _fit(sound: Samples, samples: int) -> Samples:
    return np.pad(sound[:samples], (0, max(0, samples - len(sound))))


def _rms(sound: Samples) -> float:
    return float(np.sqrt(np.square(sound, dtype=np.float64).mean())) + 1e-6 if len(sound) else 1e-6
