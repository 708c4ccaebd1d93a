"""Ctrl-C or SIGTERM → a run that stops after its step, saved."""

from __future__ import annotations

import logging
import signal
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from distill.stopping import received
from distill.terminal import console

log = logging.getLogger(__name__)


class RunStopped(Exception):
    """The run was asked to stop, and everything is saved."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal.Signals(signal_number).name)
        self.exit_code = 128 + signal_number


class StopRequest:
    """While open, notes the first SIGINT or SIGTERM instead of acting on it; the second acts as
    usual.
    """

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self, marker: Path | None = None) -> None:
        self.marker = marker
        """A file that is a request too, once it is there."""
        self._signal: int | None = received()  # it may have come while a library was imported
        self._before: dict[int, Any] = {}

    @property
    def signal(self) -> int | None:
        """The signal that asks for the end; None as long as none does."""
        if self._signal is None and self.marker is not None and self.marker.exists():
            return signal.SIGINT
        return self._signal

    def __enter__(self) -> StopRequest:
        self._before = {number: signal.getsignal(number) for number in self.SIGNALS}
        self.arm()
        return self

    def arm(self) -> None:
        """Take the signals over; again, where a library has put its own handler on top since."""
        for number in self.SIGNALS:
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
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        log.info("%s: stopping after this step", signal.Signals(number).name)
        console.print(
            "stopping: finishing the step, then saving (once more to stop at once, unsaved)"
        )
