"""A signal counts, even where the exception that it raised was lost."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from distill.system import stopping
from distill.training.interrupt import StopRequest


@pytest.mark.parametrize(
    ("number", "raised"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)]
)
def test_a_swallowed_signal_is_raised_again(
    here: Path, number: signal.Signals, raised: type[BaseException]
) -> None:
    stopping.listen()
    stopping.raise_if_stopped()
    with suppress(raised):  # as a C library's callback does
        os.kill(os.getpid(), number)
    with pytest.raises(raised):
        stopping.raise_if_stopped()


def test_a_run_that_was_stopped_before_it_began_stops_at_once(here: Path) -> None:
    stopping.listen()
    assert StopRequest().signal is None
    with suppress(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
    assert StopRequest().signal == signal.SIGINT


def test_a_signal_too_late_for_a_run_stops_what_follows_it(here: Path) -> None:
    stopping.listen()
    with StopRequest():  # a run that has trained its last step
        os.kill(os.getpid(), signal.SIGINT)
    assert StopRequest().signal == signal.SIGINT
    with pytest.raises(KeyboardInterrupt):
        stopping.raise_if_stopped()


def test_a_closed_console_of_windows_stops_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """There it is SIGBREAK, and there is no SIGHUP; here another signal stands for it."""
    monkeypatch.delattr(signal, "SIGHUP")
    monkeypatch.setattr(signal, "SIGBREAK", signal.SIGUSR1, raising=False)
    assert stopping.stop_signals() == (signal.SIGTERM, signal.SIGUSR1)
