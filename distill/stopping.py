"""Ctrl-C or SIGTERM → an exception, also where the first one was swallowed.

An exception that a signal's handler raises within a C library's callback is printed at best, and
forgotten: what works for long asks `raise_if_stopped` from time to time.
"""

from __future__ import annotations

import signal
from types import FrameType
from typing import NoReturn

from distill import terminal

_received: int | None = None


def listen(*, sigterm: bool) -> None:
    """From now on, SIGINT raises KeyboardInterrupt and, if wanted, SIGTERM SystemExit."""
    global _received
    _received = None
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _stop)
    if sigterm:
        signal.signal(signal.SIGTERM, _stop)


def received() -> int | None:
    """The signal that asked for the end; None as long as none did."""
    return _received


def raise_if_stopped() -> None:
    """Raise what a signal should have raised already."""
    if _received is not None:
        _raise(_received)


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    global _received
    if number == signal.SIGTERM and _received is None:
        terminal.fail("stopped by a signal; what was saved before is kept")
    _received = number
    _raise(number)


def _raise(number: int) -> NoReturn:
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)
