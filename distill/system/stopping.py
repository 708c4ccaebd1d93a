"""Ctrl-C, SIGTERM or the terminal's end → an exception, also where the first one was swallowed.

An exception that a signal's handler raises within a C library's callback is printed at best, and
forgotten: what works for long asks `raise_if_stopped` from time to time.
"""

from __future__ import annotations

import signal
from collections.abc import Iterable
from types import FrameType
from typing import NoReturn

from distill.system import terminal

_received: int | None = None


def listen() -> None:
    """From now on, SIGINT raises KeyboardInterrupt and the other signals SystemExit."""
    global _received
    _received = None
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _stop)
    for number in asking_to_end():
        signal.signal(number, _stop)


def asking_to_end() -> tuple[signal.Signals, ...]:
    """SIGTERM, and SIGHUP, which comes when the terminal is closed, unless it is to be outlived
    (`nohup`).
    """
    hang_up: signal.Signals | None = getattr(signal, "SIGHUP", None)  # Windows has none
    if hang_up is None or signal.getsignal(hang_up) is signal.SIG_IGN:
        return (signal.SIGTERM,)
    return (signal.SIGTERM, hang_up)


def let_the_next_end_it(numbers: Iterable[int]) -> None:
    """After a first signal, which is being met: the next one acts as usual, but for a terminal's
    end, which the shell and the system each tell of.
    """
    for number in numbers:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if hang_up := getattr(signal, "SIGHUP", None):
        signal.signal(hang_up, signal.SIG_IGN)


def received() -> int | None:
    """The signal that asked for the end; None as long as none did."""
    return _received


def raise_if_stopped() -> None:
    """Raise what a signal should have raised already."""
    if _received is not None:
        _raise(_received)


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    global _received
    if number != signal.SIGINT and _received is None:
        terminal.say_at_once(
            "distill: stopped by a signal; what was saved before is kept", apart=True
        )
    _received = number
    _raise(number)


def _raise(number: int) -> NoReturn:
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)
