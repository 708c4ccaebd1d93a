"""blocks of samples (t, C) → one channel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def mix_to_mono(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """(t, C) → the mean of the channels (t,)."""
    return np.ascontiguousarray(block.mean(axis=1, dtype=np.float32))
