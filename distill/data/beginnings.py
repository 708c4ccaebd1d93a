"""the first seconds of a sound → its beginning: from its first audible sample, without what is
silent before it.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

AUDIBLE_SHARE = 0.02
"""A sample is audible if it has this share of the loudest one."""
FAINTEST = 1e-3
"""A sound whose loudest sample is not above this has no beginning to measure."""
SAMPLES_BEFORE = 64
"""Samples that are kept before the first audible one, in which the sound rises."""


def find_beginning(waveform: np.ndarray) -> int | None:
    """The first seconds of a sound, (T,) → the sample with which it begins; None if nothing is
    audible.
    """
    loudness = np.abs(waveform)
    loudest = loudness.max(initial=0.0)
    if not loudest > FAINTEST:
        return None
    return max(0, int(np.argmax(loudness > AUDIBLE_SHARE * loudest)) - SAMPLES_BEFORE)


def cut_beginning(waveform: np.ndarray, *, samples: int) -> Tensor | None:
    """The first seconds of a sound, (T,) → (samples,) float32 of its beginning, with zeros after
    the sound's end; None if nothing is audible.
    """
    first = find_beginning(waveform)
    if first is None:
        return None
    beginning = np.zeros(samples, np.float32)
    kept = waveform[first : first + samples]
    beginning[: len(kept)] = kept
    return torch.from_numpy(beginning)
