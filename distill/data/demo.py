"""no input → a small folder of synthetic sounds in different formats and sample rates, always the
same.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.audio.writer import open_to_write
from distill.errors import WriteError
from distill.system.atomic import whole_file

FIRST_SEED = 100
"""Chosen so that the split of seed 0 holds out a pluck, a drum and a noise: the demo's held-out
figures then stand for all its sounds.
"""
Samples = NDArray[Any]
Synth = Callable[[Samples, np.random.Generator], Samples]
"""(time in seconds (T,), random generator) → samples (T,) at any level."""

FORMATS = (
    ("wav", "PCM_16", 44_100, 1),
    ("wav", "PCM_24", 48_000, 2),
    ("flac", "PCM_16", 44_100, 2),
    ("ogg", "VORBIS", 48_000, 1),
    ("aiff", "PCM_16", 22_050, 1),
    ("wav", "FLOAT", 96_000, 1),
    ("mp3", "MPEG_LAYER_III", 44_100, 1),
)
"""(extension, libsndfile's encoding, sample rate in Hz, channels), used in turn."""


def write_demo_collection(folder: Path) -> Path:
    """Write those of the 24 demo sounds that are missing; returns the folder.

    Raises WriteError.
    """
    try:
        _write_missing(folder)
    except OSError as error:
        raise WriteError(folder, error) from error
    return folder


def _write_missing(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, (name, synth, duration_s) in enumerate(_recipes()):
        extension, encoding, rate_hz, channels = FORMATS[number % len(FORMATS)]
        path = folder / f"{number:02d} {name}.{extension}"
        if path.exists():
            continue
        random = np.random.default_rng(FIRST_SEED + number)
        time_s = np.arange(int(duration_s * rate_hz)) / rate_hz
        mono = synth(time_s, random)
        mono = 0.7 * mono / np.abs(mono).max()
        # the second channel is a little softer, so that mixing down changes something
        samples = np.stack([mono * 0.8**channel for channel in range(channels)], axis=1)
        with (
            whole_file(path) as partial,
            open_to_write(
                partial,
                sample_rate_hz=rate_hz,
                channels=channels,
                encoding=encoding,
                container=extension.upper(),
            ) as file,
        ):
            file.write(samples)


def _recipes() -> list[tuple[str, Synth, float]]:
    plucks = [(f"pluck {hz} Hz", _pluck(hz), 2.2) for hz in (82, 110, 147, 196, 262, 392)]
    pads = [(f"pad {hz} Hz", _pad(hz), 3.0) for hz in (98, 131, 175, 220, 330)]
    bells = [
        (f"bell {hz} Hz", _fm(hz, ratio), 2.5)
        for hz, ratio in ((180, 1.41), (240, 3.5), (320, 2.76), (440, 7.1))
    ]
    drums = [
        ("kick", _kick(48.0), 0.6),
        ("low tom", _kick(90.0), 0.8),
        ("snare", _snare(185.0), 0.5),
        ("closed hat", _hat(40.0), 0.15),
        ("open hat", _hat(6.0), 0.9),
        ("clap", _clap(), 0.6),
    ]
    noises = [("wind", _wind(), 3.0), ("surf", _surf(), 3.0), ("siren", _sweep(300, 1200), 2.5)]
    return [*plucks, *pads, *bells, *drums, *noises]


def _pluck(hz: float) -> Synth:
    """Karplus-Strong string."""

    def synth(time_s: Samples, random: np.random.Generator) -> Samples:
        rate_hz = 1 / (time_s[1] - time_s[0])
        period = round(rate_hz / hz)
        string = random.uniform(-1, 1, period)
        turns = []
        for _ in range(len(time_s) // period + 1):
            turns.append(string)
            string = 0.498 * (string + np.roll(string, 1))
        return np.concatenate(turns)[: len(time_s)]

    return synth


def _pad(hz: float) -> Synth:
    """Detuned harmonics under a slow filter and envelope."""

    def synth(time_s: Samples, random: np.random.Generator) -> Samples:
        end = time_s[-1]
        sound = np.zeros_like(time_s)
        for harmonic in range(1, 12):
            brightness = np.exp(-harmonic * (0.25 + 0.15 * np.sin(2 * np.pi * 0.4 * time_s + hz)))
            for detune in random.normal(1, 0.003, 3):
                sound += brightness * np.sin(
                    2 * np.pi * hz * harmonic * detune * time_s + random.uniform(0, 6.3)
                )
        sound *= np.minimum(time_s / 0.4, 1) * np.minimum((end - time_s) / 0.8, 1)
        return sound

    return synth


def _fm(hz: float, ratio: float) -> Synth:
    """Two-operator frequency modulation with a falling index."""

    def synth(time_s: Samples, random: np.random.Generator) -> Samples:
        index = 6 * np.exp(-2.5 * time_s) + random.uniform(0, 0.5)
        modulator = index * np.sin(2 * np.pi * hz * ratio * time_s)
        return np.exp(-1.6 * time_s) * np.sin(2 * np.pi * hz * time_s + modulator)

    return synth


def _kick(hz: float) -> Synth:
    def synth(time_s: Samples, random: np.random.Generator) -> Samples:
        phase = 2 * np.pi * (hz * time_s + 4.0 * (1 - np.exp(-30 * time_s)))
        click = random.normal(0, 0.3, len(time_s)) * np.exp(-300 * time_s)
        return np.asarray(np.exp(-7 * time_s) * np.sin(phase) + click)

    return synth


def _snare(hz: float) -> Synth:
    def synth(time_s: Samples, random: np.random.Generator) -> Samples:
        rattle = random.normal(0, 0.6, len(time_s)) * np.exp(-14 * time_s)
        return np.asarray(rattle + np.exp(-20 * time_s) * np.sin(2 * np.pi * hz * time_s))

    return synth


def _hat(fall: float) -> Synth:
    def synth(time_s: Samples, random: np.random.Generator) -> Samples:
        hiss = np.diff(
            random.normal(0, 1, len(time_s) + 2), 2
        )  # differences: high frequencies only
        return hiss * np.exp(-fall * time_s)

    return synth


def _clap() -> Synth:
    def synth(time_s: Samples, random: np.random.Generator) -> Samples:
        hits = sum(
            np.exp(-60 * np.maximum(time_s - at, 0)) * (time_s >= at)
            for at in (0, 0.012, 0.025, 0.04)
        )
        return np.asarray(random.normal(0, 1, len(time_s)) * hits)

    return synth


def _wind() -> Synth:
    def synth(time_s: Samples, random: np.random.Generator) -> Samples:
        brown = np.cumsum(random.normal(0, 1, len(time_s)))
        brown -= np.convolve(brown, np.ones(2001) / 2001, mode="same")
        return brown * (1 + 0.7 * np.sin(2 * np.pi * 0.5 * time_s))

    return synth


def _surf() -> Synth:
    def synth(time_s: Samples, random: np.random.Generator) -> Samples:
        swell = np.sin(np.pi * time_s / time_s[-1]) ** 3
        return np.asarray(random.normal(0, 1, len(time_s)) * (0.05 + swell))

    return synth


def _sweep(low_hz: float, high_hz: float) -> Synth:
    def synth(time_s: Samples, random: np.random.Generator) -> Samples:
        hz = low_hz + (high_hz - low_hz) * (0.5 - 0.5 * np.cos(2 * np.pi * 0.8 * time_s))
        phase = 2 * np.pi * np.cumsum(hz) * (time_s[1] - time_s[0])
        return np.asarray(
            np.sign(np.sin(phase)) * 0.5 + np.sin(phase) + random.normal(0, 0.01, len(time_s))
        )

    return synth
