"""Ctrl-C, SIGTERM or the terminal's end → a run that stops after its step, saved."""

from __future__ import annotations

import signal
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from distill.system.stopping import let_next_signal_end, received, stop_signals
from distill.system.terminal import say_at_once


class RunStopped(Exception):
    """The run was asked to stop, and everything is saved."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal.Signals(signal_number).name)
        self.exit_code = 128 + signal_number


class StopRequest:
    """While open, notes the first signal that asks for the end instead of acting on it; the second
    acts as usual.
    """

    def __init__(self, *markers: Path) -> None:
        self.markers = markers
        """Files that are requests too, once they are there."""
        self._signal: int | None = received()  # it may have come while a library was imported
        self._before: dict[int, Any] = {}

    @property
    def signal(self) -> int | None:
        """The signal that asks for the end; None as long as none does."""
        if self._signal is None and any(marker.exists() for marker in self.markers):
            return signal.SIGINT
        return self._signal

    def __enter__(self) -> StopRequest:
        numbers = (signal.SIGINT, *stop_signals())
        self._before = {number: signal.getsignal(number) for number in numbers}
        self.arm()
        return self

    def arm(self) -> None:
        """Take the signals over; again, where a library has put its own handler on top since."""
        for number in self._before:
            signal.signal(number, self._note)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._signal = number
        let_next_signal_end(self._before)
        say_at_once(
            "stopping: finishing the step, then saving (once more to stop at once, unsaved)"
        )
