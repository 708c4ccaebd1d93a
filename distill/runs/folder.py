"""name of a run → its folder: made new, locked while the run trains, found again to resume it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from filelock import Timeout

from distill.bundle import SUFFIX
from distill.data.collection import REPORT
from distill.errors import DistillError, RunError, WriteError
from distill.system.locks import SOFT_SUFFIX, hold
from distill.system.names import file_part
from distill.system.paths import exists, is_folder, path_and_parents, path_of
from distill.system.run_parts import CHECKPOINTS, CONFIG, LOG, PROGRESS, run_of, runs_in
from distill.system.shell import shell_word

RUNS = Path("outputs/train")
LAST = f"{CHECKPOINTS}/*last.ckpt"
"""The last checkpoints of a run's stages; a run that adds to a model has none of the codec."""
LOCK = ".lock"
"""The file that a run holds while it trains."""
STOP = "stop"
"""A file of this name in a run folder asks the run to save and end; in a sweep's folder it asks
all jobs, and no other job starts.
"""
PREVIEWS = "previews"
"""What some sounds come back as while the run trains: a folder for each look."""
NEW_SOUNDS = "new_sounds"
"""New sounds by the model, with their own page to listen."""
EARLY_SOUNDS = f"{NEW_SOUNDS}_early"
"""New sounds by a prior that still learns; they go when it has learnt."""
BASE, SIDES = f"base{SUFFIX}", "sides.json"
"""The model that a run trains again, and on which sides of its split its sounds were."""
BEFORE_IT_BEGINS = {LOG, LOCK, LOCK + SOFT_SUFFIX, PROGRESS, REPORT, f"best{SUFFIX}", BASE, SIDES}
"""What may lie in the folder of a run that has not begun; the bundles are those of its base."""
log = logging.getLogger(__name__)


def new_run_dir(runs: Path, name: str) -> Path:
    """Make a new folder, different from that of a run that starts in the same second."""
    safe = file_part(name, gap="_", longest=80, empty="untitled")
    wanted = f"{time.strftime('%Y-%m-%d_%H-%M-%S')}_{safe}"
    try:
        for attempt in range(1, 1000):
            run_dir = runs / (wanted if attempt == 1 else f"{wanted}_{attempt}")
            try:
                run_dir.mkdir(parents=True)
            except FileExistsError:
                continue
            return run_dir
    except OSError as error:
        raise RunError(f"{runs}: cannot make a folder for the run: {error.strerror}") from error
    raise RunError(f"{runs}: no free name for {wanted}")


def run_to_resume(runs: Path, wanted: str) -> Path:
    """`last` or a folder → the absolute folder of a run that can be resumed; raises RunError."""
    if wanted == "last":
        saved = sorted(runs.glob(f"*/{LAST}"), key=lambda path: path.stat().st_mtime_ns)
        if not saved:
            raise RunError(f"resume=last: no run under {runs} has saved anything yet")
        run_dir = saved[-1].parent.parent
        newest = max(runs.iterdir(), key=lambda path: path.name)
        if newest.name > run_dir.name and not any(newest.glob(LAST)):
            log.warning("%s has no checkpoint to resume; resuming %s instead", newest, run_dir)
        return run_dir.absolute()
    run_dir = _run_at(wanted)
    for needed in (CONFIG, LAST):
        if not any(run_dir.glob(needed)):
            missing = needed.replace("*", "")
            raise RunError(
                f"resume={wanted}: this run cannot be resumed, {missing} is missing; "
                + (
                    best_epoch_advice(run_dir)
                    or "if it was killed before its first save, start it again"
                )
            )
    return run_dir


def can_be_resumed(run_dir: Path) -> bool:
    """Whether a run has left what it takes to continue it."""
    return all(any(run_dir.glob(needed)) for needed in (CONFIG, LAST))


def _run_at(wanted: str) -> Path:
    """The absolute path of the folder, or of the run with this last checkpoint; raises RunError,
    with what to type for other parts of a run.
    """
    path = path_of(wanted)
    run = run_of(path)
    if run and (_is_last(path) or run == path_and_parents(path)[0]):
        return run.absolute()
    if run:
        raise RunError(f"resume={wanted}: is in the folder of a run; type {_resume(run)}")
    if not is_folder(path):
        what = "is a file" if exists(path) else "no such folder"
        raise RunError(f"resume={wanted}: {what}; give last or the folder of a run")
    if runs := runs_in(path):
        typed = _resume(runs[-1])
        raise RunError(f"resume={wanted}: is a folder of runs; type one of them, such as {typed}")
    return path.absolute()


def _is_last(path: Path) -> bool:
    """Whether this is the last checkpoint of a stage."""
    in_run = path.absolute().parent.name == CHECKPOINTS
    return in_run and path.name.endswith("last.ckpt") and path.is_file()


def _resume(run_dir: Path) -> str:
    return f"resume={shell_word(str(run_dir))}"


def checkpoint_path(run_dir: Path, stage: str, which: str) -> Path:
    """Path of a stage's `best` or `last` checkpoint; the codec's name has no prefix."""
    name = which if stage == "codec" else f"{stage}_{which}"
    return run_dir / CHECKPOINTS / f"{name}.ckpt"


def bundle_path(run_dir: Path, which: str) -> Path:
    """Path of the `best` or `last` bundle."""
    return run_dir / f"{which}{SUFFIX}"


def newest_bundle(run_dir: Path) -> Path | None:
    """The best bundle that there is, or the last if there is no best yet."""
    paths = (bundle_path(run_dir, which) for which in ("best", "last"))
    return next((path for path in paths if path.exists()), None)


def best_bundle(run_dir: Path) -> Path:
    """Path of the bundle that later stages add to, and that is published."""
    return bundle_path(run_dir, "best")


def check_unused(run_dir: Path) -> None:
    """Raise RunError if the folder already holds a run, which would be overwritten."""
    saved = (*run_dir.glob(f"{CHECKPOINTS}/*.ckpt"), *run_dir.glob(f"*{SUFFIX}"))
    if saved:
        raise RunError(
            f"{run_dir}: already holds a run ({saved[0].name}); continue it with "
            f"{_resume(run_dir)}, or choose another folder"
        )


def best_epoch_advice(run_dir: Path) -> str:
    """How to resume without the last checkpoint; empty if there is no other checkpoint."""
    best, last = (checkpoint_path(run_dir, "codec", which) for which in ("best", "last"))
    command = f"cp {shell_word(str(best))} {shell_word(str(last))}"
    return f"to continue from the best epoch: {command}" if best.is_file() else ""


def is_locked(run_dir: Path) -> bool:
    """Whether a process trains the run in this folder; for a moment, the folder is locked."""
    if not any(run_dir.glob(f"{LOCK}*")):
        return False
    try:
        with hold(run_dir / LOCK, timeout_s=0):
            return False
    except Timeout:
        return True
    except OSError:  # it cannot be written: nobody trains it
        return False


@contextmanager
def lock_run_dir(run_dir: Path, *, is_new: bool = False) -> Iterator[None]:
    """Lock a run folder for this process; the system unlocks it even if the process is killed. A
    run that is refused before it begins leaves nothing: its folder is emptied, and deleted if it
    `is_new`.

    Raises RunError if another process has locked it, WriteError if nothing can be written.
    """
    with ExitStack() as held:
        try:
            held.enter_context(hold(run_dir / LOCK, timeout_s=0))
        except Timeout:
            raise RunError(f"{run_dir}: another process is still training this run") from None
        except OSError as error:
            raise WriteError(run_dir, error) from error
        try:
            yield
        except DistillError:
            with suppress(OSError):
                left = list(run_dir.iterdir())
                if {path.name for path in left} <= BEFORE_IT_BEGINS:
                    for path in left:
                        path.unlink()
                    if is_new:
                        run_dir.rmdir()
            raise
