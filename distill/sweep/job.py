"""one job of a sweep → a record in its folder: what was asked for, and how it ended."""

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
"""A file in the folder of a sweep: its jobs shall save and end, and no other shall start."""

RUNNING, DONE, FAILED, STOPPED = "running", "done", "failed", "stopped"
KILLED = "killed"
"""Said of `running` where there is no such process any more; never in a record."""


class SweepStopped(Exception):
    """A job ended because the whole sweep was stopped; what it had is saved."""


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
def keep_record(run_dir: Path, number: int, overrides: list[str]) -> Iterator[None]:
    """Keep the job's record while it runs; raises what the job raises, and SweepStopped where the
    sweep was stopped before.
    """
    job = Job(number, overrides, RUNNING)
    job.write(run_dir)
    try:
        if (run_dir.parent / STOP).exists():
            raise SweepStopped("not started: the sweep was stopped before")
        yield
        job = replace(job, state=DONE)
    except (SweepStopped, KeyboardInterrupt) as stop:
        job = replace(job, state=STOPPED, reason=str(stop) or "stopped before its first save")
        raise
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        job = replace(job, state=FAILED, reason=reason)
        raise
    finally:
        try:
            job.write(run_dir)
        except OSError as error:  # the job counts for more than its record
            log.warning("%s: how it ended cannot be written down: %s", run_dir, error.strerror)
