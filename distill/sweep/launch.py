"""a sweep's jobs → all of them run, whatever becomes of one, and ranked at the end."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from types import FrameType
from typing import Any

from hydra.errors import HydraException

from distill.errors import DistillError
from distill.leaderboard import show
from distill.sweep.job import DONE, RECORD, STOP, SweepStopped, recorded
from distill.system.stopping import asking_to_end, let_the_next_end_it
from distill.system.terminal import console, counted, fail, say, say_at_once
from distill.training.interrupt import RunStopped

INTERRUPTED = 128 + signal.SIGINT
SOME_FAILED = 1
POLL_S = 0.2
log = logging.getLogger(__name__)


def launch(jobs: Callable[[], object], folder: Path, *, launcher: str) -> None:
    """Run the jobs, which Hydra hands to the launcher; `basic` runs them in this very process.

    Exits with 1 if some failed and 130 if the sweep was stopped, after the leaderboard was shown.
    """
    began, code = time.time(), 0
    marker = folder / STOP
    marker.unlink(missing_ok=True)
    try:
        with _errors_as_they_are(), _HEARD_BY.get(launcher, _heard_here)(marker):
            jobs()
    except (SweepStopped, KeyboardInterrupt):
        code = INTERRUPTED
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else SOME_FAILED
    except (HydraException, RuntimeError) as error:  # of a launcher: no Slurm here, for example
        raise DistillError(" ".join(str(error).split())) from error
    finally:
        marker.unlink(missing_ok=True)
    if not any(folder.glob(f"*/{RECORD}")):
        sys.exit(code)
    ranking = show(folder)
    now = [r for r in ranking if (r.folder / RECORD).stat().st_mtime >= began]
    failed = [result for result in now if result.job.state != DONE]
    if code:
        done = len(now) - len(failed)
        fail(f"the sweep was stopped; {done} of {counted(len(now), 'job')} begun ended by itself")
    elif failed:
        fail(f"{len(failed)} of {counted(len(now), 'job')} failed; the reasons stand above")
        code = SOME_FAILED
    if code:
        sys.exit(code)


def run_job(
    train: Callable[[], float],
    run_dir: Path,
    *,
    number: int,
    overrides: list[str],
    in_turn: bool,
    threads: int | None = None,
) -> float:
    """One job: its held-out error, infinite if it failed, so that no failure ends the sweep.

    Jobs that run beside each other say one line each. Raises SweepStopped, or exits where the job
    is in the sweep's own process.
    """
    console.quiet = not in_turn
    if threads:
        import torch

        torch.set_num_threads(threads)
    outcome = float("inf")
    try:
        with recorded(run_dir, number, overrides):
            try:
                outcome = train()
                told = f"{outcome:.2f} dB"
            except RunStopped as stopped:
                if stopped.exit_code == INTERRUPTED:  # Ctrl-C means all of them
                    (run_dir.parent / STOP).touch()
                raise SweepStopped("what it had is saved") from stopped
    except SweepStopped as stop:
        if in_turn:
            cause = stop.__cause__
            sys.exit(cause.exit_code if isinstance(cause, RunStopped) else INTERRUPTED)
        raise
    except KeyboardInterrupt:
        if in_turn:
            raise
        raise SweepStopped("stopped before its first save") from None
    except Exception as error:
        log.info("failed", exc_info=error)
        told = f"failed: {' '.join(str(error).split()) or type(error).__name__}"
    finally:
        console.quiet = False
    say(f"job {number} ({' '.join(overrides)}): {told}")
    return outcome


def threads_of(hydra_config: Any) -> int | None:
    """A job's share of the cores where submitit starts it; the other launchers see to that."""
    launcher = hydra_config.launcher
    if launcher.get("cpus_per_task") is not None:
        return int(launcher.cpus_per_task)
    if launcher._target_.endswith(".LocalLauncher"):
        beside = hydra_config.sweeper.get("max_batch_size") or 1_000  # or all of them at once
        return max(1, (os.cpu_count() or 1) // int(beside))
    return None


@contextmanager
def _errors_as_they_are() -> Iterator[None]:
    """Hydra would print a job's error with a traceback and exit."""
    before = os.environ.get("HYDRA_FULL_ERROR")
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["HYDRA_FULL_ERROR"]
        else:
            os.environ["HYDRA_FULL_ERROR"] = before


@contextmanager
def _heard_here(marker: Path) -> Iterator[None]:
    """A signal that asks for the end: tell the jobs, wherever they run, and wait for them; again:
    at once.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        let_the_next_end_it(before)
        _tell(marker)

    numbers = (signal.SIGINT, *asking_to_end())
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _heard_here_alone(marker: Path) -> Iterator[None]:
    """The same where the jobs' processes would die of Ctrl-C: a terminal sends it to every process
    of its group, submitit's helpers included. It is blocked, which they inherit, and heard by a
    thread.
    """

    def listen() -> None:
        told = False
        while not over.is_set():
            if signal.sigtimedwait({signal.SIGINT}, POLL_S) is None:
                continue
            if told:
                os._exit(INTERRUPTED)
            _tell(marker)
            told = True

    over = threading.Event()
    ear = threading.Thread(target=listen, name="ctrl-c", daemon=True)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    ear.start()
    try:
        with _heard_here(marker):  # SIGTERM
            yield
    finally:
        over.set()
        ear.join()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _tell(marker: Path) -> None:
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.touch()
    say_at_once(
        "stopping: the jobs finish their step and save (once more to stop at once, unsaved)"
    )


_HEARD_BY: dict[str, Callable[[Path], AbstractContextManager[object]]] = {
    "basic": nullcontext,
    "submitit_local": _heard_here_alone,
}
"""Launcher → who hears the signals of a sweep; the run itself where it is this process."""
