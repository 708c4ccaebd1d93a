"""a signal to the process of a sweep → a file in its folder, which makes the jobs save and end."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from types import FrameType

from distill.runs.folder import STOP
from distill.system.stopping import end_on_next_signal, stop_signals
from distill.system.terminal import say_at_once

INTERRUPTED = 128 + signal.SIGINT
IN_TURN = "BasicLauncher"
"""The launcher that does one job after the other in the sweep's own process."""
POLL_S = 0.2


def stop_jobs_on_signal(launcher: str, folder: Path) -> AbstractContextManager[object]:
    """While open, a first signal asks all jobs to save and end; a second one ends them at once.

    `launcher` is the name of its class.
    """
    handle = _HANDLERS.get(launcher, _handle_signals)
    if handle is _keep_ctrl_c and not hasattr(signal, "sigtimedwait"):  # macOS
        handle = _handle_signals
    return handle(folder / STOP)


@contextmanager
def _handle_signals(marker: Path) -> Iterator[None]:
    """For jobs in other processes, which do not get the signals."""

    def stop(number: int, frame: FrameType | None) -> None:
        end_on_next_signal(before)
        _ask_to_stop(marker)

    numbers = (signal.SIGINT, *stop_signals())
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _keep_ctrl_c(marker: Path) -> Iterator[None]:
    """For jobs whose processes Ctrl-C would kill: a terminal sends it to all its processes, with
    submitit's helpers. So SIGINT is blocked, also in the processes that start later, and a thread
    of this process waits for it.
    """

    def wait_for_ctrl_c() -> None:
        asked = False
        while not over.is_set():
            if signal.sigtimedwait({signal.SIGINT}, POLL_S) is None:
                continue
            if asked:
                os._exit(INTERRUPTED)
            _ask_to_stop(marker)
            asked = True

    over = threading.Event()
    waiting = threading.Thread(target=wait_for_ctrl_c, name="ctrl-c", daemon=True)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    waiting.start()
    try:
        with _handle_signals(marker):  # SIGTERM
            yield
    finally:
        over.set()
        waiting.join()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _ask_to_stop(marker: Path) -> None:
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.touch()
    say_at_once(
        "stopping: the jobs finish their step and save (stop again to end at once without saving)"
    )


_HANDLERS: dict[str, Callable[[Path], AbstractContextManager[object]]] = {
    IN_TURN: nullcontext,  # the job runs in this process and handles the signals itself
    "LocalLauncher": _keep_ctrl_c,
}
