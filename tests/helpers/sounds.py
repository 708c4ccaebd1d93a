"""Sounds made up on the spot, and files of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile


def tone(hz: float, duration_s: float = 0.5, rate_hz: int = 16_000, seed: int = 0) -> np.ndarray:
    """A decaying tone in a little noise, (T,) float64 within ±0.9."""
    time_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    noise = np.random.default_rng(seed).normal(0, 0.02, len(time_s))
    return np.clip(0.7 * np.sin(2 * np.pi * hz * time_s) * np.exp(-2 * time_s) + noise, -0.9, 0.9)


def write_sounds(folder: Path) -> None:
    """Twelve of them, each of half a second."""
    folder.mkdir()
    for number in range(12):
        soundfile.write(folder / f"{number}.wav", tone(110 * 1.3**number, seed=number), 16_000)


def sound(
    path: Path, *, rate_hz: int = 16_000, samples: int = 3_200, channels: int = 1, hz: float = 440
) -> Path:
    """A sound file, its folder too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    waveform = tone(hz, samples / rate_hz, rate_hz)[:samples]
    form = {".aif": "AIFF"}.get(path.suffix)
    soundfile.write(path, waveform[:, None].repeat(channels, 1), rate_hz, format=form)
    return path
