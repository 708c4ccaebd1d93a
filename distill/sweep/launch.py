"""a planned sweep → all of its jobs done, even if one fails, and ranked at the end."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from hydra.errors import HydraException

from distill.errors import DistillError
from distill.runs.folder import STOP
from distill.settings.hydra_app import run_hydra
from distill.sweep.job import DONE, RECORD, SweepStopped
from distill.sweep.job_run import run_job
from distill.sweep.leaderboard import Leaderboard, make_leaderboard
from distill.sweep.plan import SweepPlan
from distill.sweep.stop import INTERRUPTED, stop_jobs_on_signal

SOME_FAILED = 1


@dataclass(frozen=True)
class SweepEnd:
    """How a sweep ended."""

    exit_code: int
    """0, 1 if some jobs failed, 130 if it was stopped."""
    stopped: bool
    leaderboard: Leaderboard | None
    """None if no job was started."""
    started: int = 0
    """Number of jobs started this time; a continued search has older ones too."""
    not_done: int = 0
    """How many of these failed or were stopped."""


def launch(plan: SweepPlan) -> SweepEnd:
    """Run all jobs through Hydra's launcher; the launcher `basic` runs them in this process.

    Raises DistillError for a launcher that does not work on this machine.
    """
    began, code = time.time(), 0
    marker = plan.folder / STOP
    marker.unlink(missing_ok=True)
    try:
        with _make_hydra_raise(), stop_jobs_on_signal(plan.launcher, plan.folder):
            run_hydra(run_job, ["-m", *plan.overrides])
    except (SweepStopped, KeyboardInterrupt):
        code = INTERRUPTED
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else SOME_FAILED
    except (HydraException, RuntimeError) as error:  # from a launcher, such as without Slurm
        raise DistillError(" ".join(str(error).split())) from error
    finally:
        marker.unlink(missing_ok=True)
    if not any(plan.folder.glob(f"*/{RECORD}")):
        return SweepEnd(code, bool(code), None)
    leaderboard = make_leaderboard(plan.folder)
    new = [r for r in leaderboard.ranking if (r.folder / RECORD).stat().st_mtime >= began]
    not_done = sum(result.job.state != DONE for result in new)
    exit_code = code or (SOME_FAILED if not_done else 0)
    return SweepEnd(exit_code, bool(code), leaderboard, len(new), not_done)


@contextmanager
def _make_hydra_raise() -> Iterator[None]:
    """Make Hydra raise the error of a job; otherwise it would print a traceback and exit."""
    before = os.environ.get("HYDRA_FULL_ERROR")
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["HYDRA_FULL_ERROR"]
        else:
            os.environ["HYDRA_FULL_ERROR"] = before
