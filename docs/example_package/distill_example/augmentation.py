"""An augmentation that makes sounds a little brighter or darker."""

from __future__ import annotations

import numpy as np
from torch import Tensor

MOST = 0.3


def tilt(waveform: Tensor, *, sample_rate_hz: int, random: np.random.Generator) -> Tensor:
    """A waveform (1, T) → the same length; all chance comes from `random`, so that a resumed run
    repeats it.
    """
    share = float(random.uniform(-MOST, MOST))
    before = waveform.roll(1, dims=-1)
    before[..., 0] = 0
    return (waveform + share * before) / (1 + abs(share))
