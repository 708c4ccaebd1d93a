"""Ctrl-C, SIGTERM or a closed terminal → a run that finishes its step, saves and stops."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from distill.system.stopping import end_on_next_signal, record, stop_signal, stop_signals
from distill.system.terminal import say_at_once


class RunStopped(Exception):
    """The run was asked to stop, and everything is saved; carries the exit code to end with."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal.Signals(signal_number).name)
        self.exit_code = 128 + signal_number


class StopRequest:
    """While open, records the first stop signal instead of ending the process; a second signal ends
    it as usual.
    """

    def __init__(self, *markers: Path) -> None:
        self.markers = markers
        """Files that request a stop as soon as they exist."""
        self._signal: int | None = stop_signal()  # it may have come while a library was imported
        self._before: dict[int, Any] = {}

    @property
    def signal(self) -> int | None:
        """The signal that requested a stop, SIGINT for a file; None if there is no request."""
        if self._signal is None and any(marker.exists() for marker in self.markers):
            return signal.SIGINT
        return self._signal

    def __enter__(self) -> StopRequest:
        numbers: tuple[int, ...] = (signal.SIGINT, *stop_signals())
        if threading.current_thread() is not threading.main_thread():
            numbers = ()  # no other thread may, or gets a signal
        self._before = {number: signal.getsignal(number) for number in numbers}
        self.arm()
        return self

    def arm(self) -> None:
        """Install the signal handlers; also again, after a library has replaced them."""
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
        if self._signal is not None and not isinstance(error, RunStopped):
            # it came too late for this run, not for what follows
            record(self._signal)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._signal = number
        end_on_next_signal(self._before)
        say_at_once(
            "stopping: finishing the step, then saving (stop again to end at once without saving)"
        )
