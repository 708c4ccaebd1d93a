"""a sound and its result → what artificial ears say of the pair."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import soxr

EAR_HZ = 48_000
VISQOL_SAMPLES = 2 * EAR_HZ
"""Shorter sounds are followed by silence."""
MISSING = "ear is left out: it needs `pip install 'distill[measure]'` (Linux only)"
Ear = Callable[[np.ndarray, np.ndarray], dict[str, float]]


def zimtohrli() -> Ear | None:
    """The ear, if it is installed; else a line says how to get it."""
    try:
        from zimtohrli import Pyohrli, mos_from_zimtohrli
    except ImportError:
        print(MISSING)
        return None
    pyohrli = Pyohrli()

    def measure(original: np.ndarray, sound: np.ndarray) -> dict[str, float]:
        distance = float(pyohrli.distance(original, sound))
        return {"ear": distance, "ear_mos": float(mos_from_zimtohrli(distance))}

    return measure


def visqol() -> Ear | None:
    """Another ear, slower; sounds that are too short even for it have no score."""
    try:
        from visqol import VisqolApi
    except ImportError:
        print(MISSING)
        return None
    api = VisqolApi()
    api.create(mode="audio")

    def measure(original: np.ndarray, sound: np.ndarray) -> dict[str, float]:
        missing = max(0, VISQOL_SAMPLES - len(original))
        pair = (np.pad(each, (0, missing)).astype(np.float64) for each in (original, sound))
        try:
            return {"visqol_mos": float(api.measure_from_arrays(*pair, EAR_HZ).moslqo)}
        except ValueError:  # too little of it is not silent
            return {"visqol_mos": np.nan}

    return measure


def for_ears(waveform: np.ndarray, rate_hz: int, *, samples: int) -> np.ndarray:
    """A sound (T,) at 48 kHz, with silence after it up to this many samples."""
    if rate_hz != EAR_HZ:
        waveform = soxr.resample(waveform, rate_hz, EAR_HZ)
    return np.pad(waveform, (0, max(0, samples - len(waveform)))).astype(np.float32)
