"""files and folders to work on → where each result goes, then one after the other, with nothing
overwritten and each failure told.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rich.progress import Progress, TaskID

from distill.audio.reasons import Reason
from distill.audio.walk import walk
from distill.codec import CODES_SUFFIX
from distill.errors import DistillError, WriteError
from distill.system import terminal
from distill.system.paths import path_of
from distill.system.stopping import raise_if_stopped
from distill.system.terminal import console, counted, plain, say


@dataclass(frozen=True)
class Job:
    """One file to work on."""

    source: Path
    target: Path
    found: bool
    """In a folder that was named, rather than named itself, and perhaps no sound at all."""


class Meter:
    """How far the work on one file is, in seconds of sound."""

    def __init__(self, bar: Progress, task: TaskID) -> None:
        self._bar, self._task = bar, task

    def begin(self, name: str, total_s: float) -> None:
        """So much is to be done."""
        self._bar.reset(self._task, total=total_s, description=plain(name)[-30:])

    def advance(self, done_s: float) -> None:
        """So much more is done."""
        raise_if_stopped()
        self._bar.advance(self._task, done_s)


def plan(
    words: Sequence[str], out_folder: Path, *, result_suffix: str, source_suffix: str | None = None
) -> list[Job]:
    """Files, and all files below folders, with a target for each: the same name and place below
    `out_folder`, with another suffix.

    Of a folder, only files with `source_suffix` are taken, if given. Raises DistillError for what
    is not there, or if there is nothing to do.
    """
    sources: dict[Path, tuple[Path, bool]] = {}
    for word in words:
        if not word:
            raise DistillError("an empty name was given for a file or folder")
        path = path_of(word)
        if path.is_dir():
            takes_sounds = source_suffix is None and result_suffix != CODES_SUFFIX
            if takes_sounds and os.path.realpath(path) == os.path.realpath(out_folder):
                raise DistillError(f"{word}: the results would lie among these; choose another -o")
            for file in _files_below(path, out_folder):
                if file.suffix == source_suffix or (
                    source_suffix is None and file.suffix != CODES_SUFFIX
                ):
                    sources.setdefault(file, (file.relative_to(path), source_suffix is None))
        elif path.exists() or path.is_symlink():
            sources.setdefault(path, (Path(path.name), False))
        else:
            raise DistillError(f"{word}: no such file or folder")
    if not sources:
        raise DistillError(f"{' '.join(words)}: no {source_suffix or 'files'} in there")
    taken: set[Path] = set()
    jobs = []
    for source, (relative, found) in sources.items():
        target = _free_name(relative, taken, result_suffix, source_suffix)
        taken.add(target)
        jobs.append(Job(source, out_folder / target, found))
    return jobs


def run(jobs: Sequence[Job], work: Callable[[Job, Meter], str], *, overwrite: bool) -> None:
    """Do all jobs; `work` returns the line that is told of a job.

    A failure ends one job only, unless results cannot be written any more. Afterwards, raises
    DistillError if a file that was named itself failed, or a result could not be written, or all
    failed; what is no sound in a folder is only told.
    """
    done = failed = 0
    left_out: list[str] = []
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
                        job.target.parent.rmdir()  # if nothing came into it
                told = str(error)
                if not told.startswith(
                    (str(job.source), f"{job.target.parent}: ", job.source.name)
                ):
                    told = f"{job.source}: {told}"
                if len(jobs) == 1:
                    raise DistillError(told) from error
                if job.found and not isinstance(error, WriteError):
                    left_out.append(told)
                else:
                    failed += 1
                    console.file.flush()
                    terminal.fail(told)
                if isinstance(error, WriteError) and not error.of_this_name:
                    break
            else:
                done += 1
                say(line)
            bar.advance(files)
    for line in left_out:
        say(f"left out: {line}")
    if failed or not done:
        raise DistillError(f"{counted(done, 'file')} done, {len(jobs) - done:,} not")


def _check_target(job: Job, sources: Iterable[str], *, overwrite: bool) -> None:
    """Raise DistillError rather than write over what is there."""
    if os.path.realpath(job.target) in sources:
        raise DistillError(f"{job.source}: would be written over itself; choose another -o")
    try:
        there = job.target.exists()
    except OSError as error:
        raise WriteError(job.target, error) from error
    try:
        job.target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(job.target.parent, error) from error
    if there and not overwrite:
        raise DistillError(f"{job.target}: is there already; take --overwrite or another -o")


def _files_below(folder: Path, out_folder: Path) -> Iterator[Path]:
    """Every file below a folder but those of `out_folder`: what a verb wrote is no input to it."""
    for path, reason, detail in walk([folder], own_output=out_folder):
        if reason is Reason.UNREADABLE:
            raise DistillError(f"{path}: {detail}")
        if reason is None:
            yield path


def _free_name(
    source: Path, taken: set[Path], result_suffix: str, source_suffix: str | None
) -> Path:
    """`kick.wav` → `kick` and suffix; where that is taken, `kick.wav` and suffix, or a number."""
    stem = source.name.removesuffix(source_suffix) if source_suffix else source.stem
    target = source.with_name(stem + result_suffix)
    if target in taken:
        target = source.with_name(source.name + result_suffix)
    number = 1
    while target in taken:
        target = source.with_name(f"{stem}_{number}{result_suffix}")
        number += 1
    return target
