"""the folder of a run: made for one run alone, held while it trains, found again to go on."""

from __future__ import annotations

import json
import logging
import re
import shlex
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from distill.bundle import SUFFIX
from distill.errors import DistillError, RunError, WriteError
from distill.system.paths import path_of

if TYPE_CHECKING:
    from distill.data.collection import Collection

RUNS = Path("outputs/train")
STOP = "stop"
"""A file of this name in a run folder asks the run to save and end."""
log = logging.getLogger(__name__)


def new_run_dir(runs: Path, name: str) -> Path:
    """Make a folder that no other run has, even one that starts at the same second."""
    safe = re.sub(r"[^\w+-]+", "_", name).strip("_")[:80] or "untitled"
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
    """`last` or a folder → the folder of a run that has something to go on from."""
    if wanted == "last":
        saved = sorted(
            runs.glob("*/checkpoints/last.ckpt"), key=lambda path: path.stat().st_mtime_ns
        )
        if not saved:
            raise RunError(f"resume=last: no run with a checkpoint under {runs}")
        run_dir = saved[-1].parent.parent
        newest = max(runs.iterdir(), key=lambda path: path.name)
        if newest.name > run_dir.name and not (newest / "checkpoints" / "last.ckpt").exists():
            log.warning("%s has nothing saved to go on from; taking %s", newest, run_dir)
        return run_dir.absolute()
    run_dir = path_of(wanted).absolute()
    if not run_dir.is_dir():
        raise RunError(f"resume={wanted}: no such folder; give last or the folder of a run")
    for needed in ("config.yaml", "checkpoints/last.ckpt"):
        if not (run_dir / needed).is_file():
            raise RunError(
                f"resume={wanted}: not a run that can go on, {needed} is missing; "
                + (
                    best_instead(run_dir)
                    or "if it was killed before its first save, begin it again"
                )
            )
    return run_dir


def checkpoint_path(run_dir: Path, stage: str, which: str) -> Path:
    """Where a stage's `best` or `last` checkpoint lies; the codec's has no prefix."""
    name = which if stage == "codec" else f"{stage}_{which}"
    return run_dir / "checkpoints" / f"{name}.ckpt"


def bundle_path(run_dir: Path, which: str) -> Path:
    """Where the `best` or `last` bundle lies."""
    return run_dir / f"{which}{SUFFIX}"


def best_bundle(run_dir: Path) -> Path:
    """The bundle that later stages build on, and that is published."""
    return bundle_path(run_dir, "best")


def check_unused(run_dir: Path) -> None:
    """Raise RunError rather than train over what another run has saved."""
    saved = (*run_dir.glob("checkpoints/*.ckpt"), *run_dir.glob(f"*{SUFFIX}"))
    if saved:
        raise RunError(
            f"{run_dir}: holds a run already ({saved[0].name}): go on with it by "
            f"resume={run_dir}, or give another folder"
        )


def best_instead(run_dir: Path) -> str:
    """How to go on without the last checkpoint; empty where there is no other."""
    best = run_dir / "checkpoints" / "best.ckpt"
    here = f"cp {shlex.quote(str(best))} {shlex.quote(str(best.with_name('last.ckpt')))}"
    return f"to go on from the best epoch: {here}" if best.is_file() else ""


@contextmanager
def alone_in(run_dir: Path) -> Iterator[None]:
    """Hold a run folder for this process; however it ends, the system lets go of it. A run that
    ends before it began leaves no folder behind.

    Raises RunError where another process holds it, WriteError where nothing can be written.
    """
    lock = FileLock(run_dir / ".lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise RunError(f"{run_dir}: this run is still going on in another process") from None
    except OSError as error:
        raise WriteError(run_dir, error) from error
    try:
        yield
    except DistillError:
        with suppress(OSError):
            if {path.name for path in run_dir.iterdir()} <= {"train.log", ".lock"}:
                shutil.rmtree(run_dir)
        raise
    finally:
        lock.release()


def check_same_sounds(report: Path, collection: Collection) -> None:
    """A run goes on with its own sounds; a few that came or went are told, others are refused."""
    try:
        before = {used["content"] for used in json.loads(report.read_text("utf-8"))["used"]}
    except (OSError, ValueError, KeyError):
        return  # killed before the first report was written, or not ours to judge
    now = {sound.content for sound in collection.sounds}
    if 2 * len(before & now) < len(before):
        raise RunError(
            f"data.root: {len(before - now):,} of this run's {len(before):,} sounds are gone; "
            "other sounds are another run: start one without resume="
        )
    if before != now:
        log.warning(
            "the collection changed since the run began: %d sounds came, %d went; "
            "figures from here on are of other sounds than before",
            len(now - before),
            len(before - now),
        )
