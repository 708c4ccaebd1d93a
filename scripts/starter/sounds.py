"""seed → a synthesised sound, the same each time: what the starter weights are trained on.

python scripts/starter/sounds.py OUT --count 100      # to listen to some
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from drums import clap, cymbal, kick, membrane, snare
from parts import (
    RATE_HZ,
    Rng,
    Samples,
    join,
    log_uniform,
    low_pass,
    noise,
    room,
    seconds,
    unit,
)
from voices import (
    VOICES,
    blown,
    bow,
    fm,
    organ,
    pluck,
    string_partials,
    struck,
    sung,
    synth,
)

DRUMS = (kick, snare, cymbal, clap, membrane)
PITCHED = (pluck, string_partials, struck, blown, bow, organ, fm, synth, sung)
SCENES = ("single", "loop", "roll", "phrase", "chord", "mix")
KINDS = (*VOICES, *SCENES[1:])


def sound(seed: int, kind: str | None = None, duration_s: float = 4.0) -> tuple[Samples, str]:
    """A sound (T,) float32 at 48 kHz, at most 1, and its kind; some begin behind silence."""
    rng = np.random.default_rng(seed)
    if kind is None:
        scenes = rng.random() < 0.4
        kind = str(rng.choice(SCENES[1:] if scenes else list(VOICES)))
    samples = round(duration_s * RATE_HZ)
    pause = int(rng.uniform(0, 0.5) * samples) if rng.random() < 0.5 else 0
    x = unit(scene(kind, rng, samples - pause))
    if rng.random() < 0.5:
        x = room(rng, x)
    x = np.concatenate([np.zeros(pause), x])
    if rng.random() < 0.15:
        x = np.tanh(log_uniform(rng, 1, 10) * unit(x))
    x = unit(x) * 10 ** (-rng.triangular(0, 2, 40) / 20)
    if rng.random() < 0.15:
        x += background(rng, samples)
    if rng.random() < 0.2:
        x = low_pass(x, log_uniform(rng, 3500, 20000), 10)
    if rng.random() < 0.3:  # cut before it has died away
        x[int(rng.uniform(0.4, 1) * samples) :] = 0
    return np.clip(x, -1, 1).astype(np.float32), kind


def scene(kind: str, rng: Rng, samples: int) -> Samples:
    """A single voice, or several."""
    if kind in VOICES:
        return VOICES[kind](rng, samples)
    if kind == "loop":
        return _loop(rng, samples)
    if kind == "roll":
        return _roll(rng, samples)
    if kind == "phrase":
        return _phrase(rng, samples)
    if kind == "chord":
        voice = PITCHED[rng.integers(len(PITCHED))]
        count = int(rng.integers(2, 5))
        return np.asarray(
            sum(unit(voice(rng, samples)) * rng.uniform(0.3, 1) for _ in range(count))
        )
    voices = rng.choice(list(VOICES), 2)
    return np.asarray(
        sum(unit(VOICES[str(name)](rng, samples)) * log_uniform(rng, 0.05, 1) for name in voices)
    )


def _loop(rng: Rng, samples: int) -> Samples:
    """A drum loop on a grid of sixteenths, each drum with a sound of its own."""
    step_s, parts = 60 / rng.uniform(70, 180) / 4, []
    for drum in rng.choice(len(DRUMS), rng.integers(2, 5), replace=False):
        hit = unit(DRUMS[drum](rng, int(0.6 * RATE_HZ)))
        pattern = rng.random(16) < rng.uniform(0.1, 0.6)
        for position in range(int(samples / RATE_HZ / step_s)):
            if pattern[position % 16]:
                late = rng.normal(0, 0.004)
                parts.append((max(0.0, position * step_s + late), hit * rng.uniform(0.3, 1)))
    return join(parts, samples) + 1e-6 * noise(rng, samples)


def _roll(rng: Rng, samples: int) -> Samples:
    """The same hit ever faster, slower or steady, swelling or fading."""
    hit = unit(DRUMS[rng.integers(len(DRUMS))](rng, int(0.5 * RATE_HZ)))
    gap, change, at, parts = log_uniform(rng, 0.03, 0.4), rng.uniform(0.93, 1.07), 0.0, []
    while at < samples / RATE_HZ and len(parts) < 120:
        parts.append((at, hit * rng.uniform(0.6, 1)))
        at += max(gap, 0.015)
        gap *= change
    swell = np.linspace(*rng.uniform(0.05, 1, 2), samples)
    return join(parts, samples) * swell


def _phrase(rng: Rng, samples: int) -> Samples:
    """Notes of one voice, each with an end."""
    voice, at, parts = PITCHED[rng.integers(len(PITCHED))], 0.0, []
    while at < samples / RATE_HZ:
        length_s = log_uniform(rng, 0.1, 1.5)
        note = unit(voice(rng, int(length_s * RATE_HZ))) * rng.uniform(0.3, 1)
        note *= np.clip((length_s - seconds(len(note))) / 0.02, 0, 1)
        parts.append((at, note))
        at += length_s * rng.choice([0.5, 0.9, 1.0, 1.5])
    return join(parts, samples)


def background(rng: Rng, samples: int) -> Samples:
    """Hiss or hum of a recording."""
    level = 10 ** (-rng.uniform(45, 85) / 20)
    if rng.random() < 0.7:
        return level * noise(rng, samples, rng.uniform(-6, 0))
    phase = 2 * np.pi * rng.choice([50, 60]) * seconds(samples)
    return level * np.asarray(sum(np.sin(n * phase) / n for n in range(1, 8)))


def main() -> None:
    """Write some of the sounds as 24-bit WAV files."""
    import soundfile  # only here: sounds are also made where it is not installed

    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for seed in range(arguments.seed, arguments.seed + arguments.count):
        samples, kind = sound(seed)
        path = arguments.out / f"{seed:06d}_{kind}.wav"
        soundfile.write(path, samples, RATE_HZ, subtype="PCM_24")


if __name__ == "__main__":
    main()
