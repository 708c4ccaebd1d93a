"""Ctrl-C, SIGTERM or a closed terminal → an exception, also if the first one was lost.

An exception that a signal handler raises inside a callback of a C library is lost. So long work
calls `raise_if_stopped` from time to time.
"""

from __future__ import annotations

import signal
from collections.abc import Iterable
from types import FrameType
from typing import NoReturn

from distill.system import terminal

_received: int | None = None


def listen() -> None:
    """From now on, SIGINT raises KeyboardInterrupt, and the other stop signals SystemExit."""
    forget()
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _stop)
    for number in stop_signals():
        signal.signal(number, _stop)


def stop_signals() -> tuple[signal.Signals, ...]:
    """SIGTERM, and what says that the terminal is closed, SIGHUP or, on Windows, SIGBREAK, unless
    it is ignored, as by `nohup`.
    """
    closed = (getattr(signal, name, None) for name in ("SIGHUP", "SIGBREAK"))
    heard = (each for each in closed if each and signal.getsignal(each) is not signal.SIG_IGN)
    return (signal.SIGTERM, *heard)


def end_on_next_signal(numbers: Iterable[int]) -> None:
    """After a first signal, let the next one end the process at once. SIGHUP is ignored from now
    on, because a closed terminal sends it twice, from the shell and from the system.
    """
    for number in numbers:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if hang_up := getattr(signal, "SIGHUP", None):
        signal.signal(hang_up, signal.SIG_IGN)


def stop_signal() -> int | None:
    """The stop signal that the process got; None if there was none."""
    return _received


def record(number: int) -> None:
    """Record a stop signal that another handler got, and that has not stopped anything yet."""
    global _received
    _received = number


def forget() -> None:
    """Forget a stop signal that was meant for earlier work of this process."""
    global _received
    _received = None


def raise_if_stopped() -> None:
    """If there was a stop signal, raise its exception again, in case it was lost."""
    if _received is not None:
        _raise(_received)


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    global _received
    if number != signal.SIGINT and _received is None:
        terminal.say_at_once(
            "distill: stopped by a signal; everything saved before is kept", apart=True
        )
    _received = number
    _raise(number)


def _raise(number: int) -> NoReturn:
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)
