"""files to work on → each one done, with a line for its result or its failure."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from rich.progress import Progress, TaskID

from distill.audio.reasons import Reason, UnusableError
from distill.cli.files import Job
from distill.errors import DistillError, WriteError
from distill.system import terminal
from distill.system.stopping import raise_if_stopped
from distill.system.terminal import console, plain, quantity, say_figures


class FileError(DistillError):
    """A mistake with one file; other files with the same mistake have the same `cause`."""

    def __init__(self, message: str, *, cause: Hashable) -> None:
        super().__init__(message)
        self.cause = cause


@contextmanager
def common_cause(cause: Hashable, *, file: Path | None = None) -> Iterator[None]:
    """Turn a DistillError into a FileError with this cause.

    Give `file` if the error's own message does not name the file.
    """
    try:
        yield
    except DistillError as error:
        message = str(error) if file is None else f"{file}: {error}"
        raise FileError(message, cause=cause) from error


@contextmanager
def new_file(job: Job) -> Iterator[None]:
    """Make the folder of a result that is written now, and tell of errors: a file of its name that
    another process has made a moment ago stays.
    """
    try:
        job.target.parent.mkdir(parents=True, exist_ok=True)
        yield
    except FileExistsError:
        raise _taken(job) from None
    except OSError as error:
        raise WriteError(job.target, error) from error


class Meter:
    """Shows on the progress bar how much of one file is done, in seconds of sound."""

    def __init__(self, bar: Progress, task: TaskID) -> None:
        self._bar, self._task = bar, task

    def begin(self, name: str, total_s: float) -> None:
        """Start from zero with a new file or step of the work."""
        self._bar.reset(self._task, total=total_s, description=plain(name)[-30:])

    def advance(self, done_s: float) -> None:
        """Add seconds that are done; raises if the process was asked to stop."""
        raise_if_stopped()
        self._bar.advance(self._task, done_s)


def run(jobs: Sequence[Job], work: Callable[[Job, Meter], str], *, overwrite: bool) -> None:
    """Do all jobs. `work` does one job and returns the line to print; its errors name the file.

    A failure ends only one job, except when no more results can be written. At the end, raises
    DistillError if a file that the user named failed, if a result could not be written, or if all
    jobs failed. Files found in a folder that are not sounds are only reported.
    """
    failures = _Failures(len(jobs))
    sources = {os.path.realpath(job.source) for job in jobs}
    with terminal.bar() as bar:
        files = bar.add_task("files", total=len(jobs), visible=len(jobs) > 1)
        meter = Meter(bar, bar.add_task("", total=None))
        for job in jobs:
            is_new = not job.target.parent.exists()
            try:
                _check_target(job, sources, overwrite=overwrite)
                line = work(job, meter)
            except DistillError as error:
                if is_new:
                    with suppress(OSError):
                        job.target.parent.rmdir()  # fails, as it should, if it is not empty
                failures.add(job, error)
                if isinstance(error, WriteError) and not error.of_this_name:
                    break
            else:
                failures.add_success()
                say_figures(line)
            bar.advance(files)
    failures.finish()


class _Failures:
    """Prints failures as they come; the same failure of every file is printed only once."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._done = 0
        self._failed = 0
        self._held: list[tuple[Job, DistillError]] = []
        """Failures not printed yet, because every job so far failed for the same cause."""
        self._held_cause: Hashable = None
        self._left_out: list[DistillError] = []

    def add_success(self) -> None:
        self._print_held()
        self._done += 1

    def add(self, job: Job, error: DistillError) -> None:
        if self._jobs == 1:
            raise error
        cause = error.cause if isinstance(error, FileError) else None
        is_first = not (self._done or self._failed or self._left_out or self._held)
        if cause is not None and (is_first or (self._held and cause == self._held_cause)):
            self._held_cause = cause
            self._held.append((job, error))
            return
        self._print_held()
        self._print(job, error)

    def finish(self) -> None:
        if len(self._held) == self._jobs:
            raise DistillError(f"{self._held[0][1]} (the same with all {self._jobs:,} files)")
        self._print_held()
        for error in sorted(self._left_out, key=_place_in_report):
            say_figures(f"left out: {error}")
        if self._failed or not self._done:
            not_done = self._jobs - self._done
            raise DistillError(f"{quantity(self._done, 'file')} done, {not_done:,} not done")

    def _print_held(self) -> None:
        held, self._held = self._held, []
        for job, error in held:
            self._print(job, error)

    def _print(self, job: Job, error: DistillError) -> None:
        if job.found and not isinstance(error, WriteError):
            self._left_out.append(error)
            return
        self._failed += 1
        console.file.flush()
        terminal.fail(str(error))


def _place_in_report(error: DistillError) -> int:
    """Files that are no sounds come last."""
    return list(Reason).index(error.reason) if isinstance(error, UnusableError) else 0


def _taken(job: Job) -> DistillError:
    return DistillError(f"{job.target}: already exists; add --overwrite or choose another -o")


def _check_target(job: Job, sources: set[str], *, overwrite: bool) -> None:
    """Raise DistillError if writing the result would overwrite a file."""
    if os.path.realpath(job.target) in sources:
        raise DistillError(f"{job.source}: the result would overwrite it; choose another -o")
    try:
        exists = job.target.exists()
    except OSError as error:
        raise WriteError(job.target, error, source=job.source) from error
    try:
        job.target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(job.target.parent, error) from error
    if exists and not overwrite:
        raise _taken(job)
