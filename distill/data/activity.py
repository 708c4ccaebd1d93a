"""a sound's samples, block by block → which stretches of it are louder than silence."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ACTIVITY_S = 0.1
"""Length of the windows that are judged as loud or silent."""


class Activity:
    """Judges windows of ACTIVITY_S by their range, highest minus lowest sample. The windows are
    those of the resampled sound.

    The samples judged are those of the file: a constant level is silence, but after resampling its
    beginning and its end would look like sound.
    """

    def __init__(self, *, source_rate_hz: int, target_rate_hz: int, silence_dbfs: float) -> None:
        self._source_hz, self._target_hz = source_rate_hz, target_rate_hz
        self._step = int(ACTIVITY_S * target_rate_hz)
        self._loud_swing = 2 * 10 ** (silence_dbfs / 20)
        self._frames = 0
        self._closed = bytearray()
        self._low, self._high = np.inf, -np.inf  # of the window that has not ended yet

    def add(self, mono: NDArray[np.float32]) -> None:
        """Add the next block (T,), which must not be empty."""
        first, self._frames = self._frames, self._frames + len(mono)
        window, last = self._window_of(first), self._window_of(self._frames - 1)
        if window > len(self._closed):  # the block before ended exactly with its window
            self._close(self._low, self._high)
            self._low, self._high = np.inf, -np.inf
        windows = np.arange(window + 1, last + 1)
        starts = -(-windows * self._step * self._source_hz // self._target_hz)
        edges = np.concatenate([[0], starts - first])
        low, high = np.minimum.reduceat(mono, edges), np.maximum.reduceat(mono, edges)
        low[0], high[0] = min(low[0], self._low), max(high[0], self._high)
        self._close(low[:-1], high[:-1])
        self._low, self._high = low[-1], high[-1]

    @property
    def has_sound(self) -> bool:
        """Whether any window so far is louder than silence."""
        return any(self._closed) or self._high - self._low > self._loud_swing

    def windows(self, samples: int) -> bytes:
        """One byte for each window of the resampled sound: 1 if louder than silence, else 0."""
        self._close(self._low, self._high)
        wanted = -(-samples // self._step)
        return bytes(self._closed[:wanted]).ljust(wanted, b"\0")

    def _window_of(self, frame: int) -> int:
        return frame * self._target_hz // (self._source_hz * self._step)

    def _close(self, low: NDArray[np.float32] | float, high: NDArray[np.float32] | float) -> None:
        self._closed += bytes(np.atleast_1d(np.asarray(high) - low > self._loud_swing))
