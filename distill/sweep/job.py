"""one job of a sweep → a record in its folder of what was asked for and what became of it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from distill.system.atomic import write_text
from distill.system.ranges import one_of

log = logging.getLogger(__name__)
RECORD = "job.json"
STOP = "stop"
"""In the folder of a sweep: its jobs shall save and end, and no other begin."""

RUNNING, DONE, FAILED, STOPPED = "running", "done", "failed", "stopped"
KILLED = "killed"
"""What becomes of running where no process is at work any more; never in a record."""


class SweepStopped(Exception):
    """A job ended because the whole sweep shall end; what it had is saved."""


@dataclass(frozen=True)
class Job:
    """What `job.json` says."""

    number: int
    overrides: list[str]
    state: str = field(metadata=one_of(RUNNING, DONE, FAILED, STOPPED))
    reason: str = ""

    def write(self, folder: Path) -> None:
        """Into the job's folder."""
        write_text(folder / RECORD, json.dumps(asdict(self), indent=1, ensure_ascii=False))


@contextmanager
def recorded(run_dir: Path, number: int, overrides: list[str]) -> Iterator[None]:
    """Keep the job's record; raises what the job raises, SweepStopped where it shall not begin."""
    job = Job(number, overrides, RUNNING)
    job.write(run_dir)
    try:
        if (run_dir.parent / STOP).exists():
            raise SweepStopped("not begun: the sweep was stopped before")
        yield
        job = replace(job, state=DONE)
    except (SweepStopped, KeyboardInterrupt) as stop:
        job = replace(job, state=STOPPED, reason=str(stop) or "stopped before its first save")
        raise
    except Exception as error:
        told = " ".join(str(error).split()) or type(error).__name__
        job = replace(job, state=FAILED, reason=told)
        raise
    finally:
        try:
            job.write(run_dir)
        except OSError as error:  # what became of the job counts for more than its record
            log.warning("%s: what became of it cannot be noted: %s", run_dir, error.strerror)
