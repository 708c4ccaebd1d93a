"""one job of a sweep → a record in its folder: the job's settings, and how it ended."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from distill.runs.folder import STOP
from distill.system.atomic import write_text
from distill.system.ranges import one_of

log = logging.getLogger(__name__)
RECORD = "job.json"

RUNNING, DONE, FAILED, STOPPED = "running", "done", "failed", "stopped"
KILLED = "killed"
"""The state shown for a `running` job whose process is gone; never written into a record."""


class SweepStopped(Exception):
    """A job ended because the whole sweep was stopped; what it had is saved."""


@dataclass(frozen=True)
class Job:
    """The content of `job.json`."""

    number: int
    overrides: list[str]
    state: str = field(metadata=one_of(RUNNING, DONE, FAILED, STOPPED))
    reason: str = ""

    def write(self, folder: Path) -> None:
        """Write the record into the job's folder."""
        write_text(folder / RECORD, json.dumps(asdict(self), indent=1, ensure_ascii=False))


@contextmanager
def keep_record(run_dir: Path, number: int, overrides: list[str]) -> Iterator[None]:
    """Keep the job's record up to date while it runs; raises what the job raises, and SweepStopped
    if the sweep was stopped before the job started.
    """
    job = Job(number, overrides, RUNNING)
    job.write(run_dir)
    try:
        if (run_dir.parent / STOP).exists():
            raise SweepStopped("not started: the sweep was stopped")
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
        except OSError as error:  # a missing record is no reason to lose the job
            log.warning("%s: %s cannot be written: %s", run_dir, RECORD, error.strerror)
