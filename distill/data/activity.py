"""a sound's samples, block by block → where it is louder than silence."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ACTIVITY_S = 0.1
"""Resolution of the record of where a file is louder than silence."""


class Activity:
    """Swing of the samples over windows of ACTIVITY_S, as they lie after resampling.

    Judged by the samples as they are in the file: a constant level is no sound, but resampling
    would make one of its beginning and its end.
    """

    def __init__(self, *, source_rate_hz: int, target_rate_hz: int, silence_dbfs: float) -> None:
        self._source_hz, self._target_hz = source_rate_hz, target_rate_hz
        self._step = int(ACTIVITY_S * target_rate_hz)
        self._loud_swing = 2 * 10 ** (silence_dbfs / 20)
        self._frames = 0
        self._closed = bytearray()
        self._low, self._high = np.inf, -np.inf  # of the window that is not over yet

    def add(self, mono: NDArray[np.float32]) -> None:
        """The next block (T,), not empty."""
        first, self._frames = self._frames, self._frames + len(mono)
        here, last = self._window_of(first), self._window_of(self._frames - 1)
        if here > len(self._closed):  # the block before ended with its window
            self._close(self._low, self._high)
            self._low, self._high = np.inf, -np.inf
        begins = -(-np.arange(here + 1, last + 1) * self._step * self._source_hz // self._target_hz)
        edges = np.concatenate([[0], begins - first])
        low, high = np.minimum.reduceat(mono, edges), np.maximum.reduceat(mono, edges)
        low[0], high[0] = min(low[0], self._low), max(high[0], self._high)
        self._close(low[:-1], high[:-1])
        self._low, self._high = low[-1], high[-1]

    @property
    def heard(self) -> bool:
        """Whether anything so far is louder than silence."""
        return any(self._closed) or self._high - self._low > self._loud_swing

    def windows(self, samples: int) -> bytes:
        """A byte for each ACTIVITY_S of the resampled sound: 1 where it is louder than silence."""
        self._close(self._low, self._high)
        wanted = -(-samples // self._step)
        return bytes(self._closed[:wanted]).ljust(wanted, b"\0")

    def _window_of(self, frame: int) -> int:
        return frame * self._target_hz // (self._source_hz * self._step)

    def _close(self, low: NDArray[np.float32] | float, high: NDArray[np.float32] | float) -> None:
        self._closed += bytes(np.atleast_1d(np.asarray(high) - low > self._loud_swing))
