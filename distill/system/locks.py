"""the path of a lock's file → held by this process alone; the system lets go of it after a kill."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLock

SOFT_SUFFIX = ".soft"
"""Of the file that stands for a lock where the file system has none."""
told: list[Path] = []
"""The folder that a line has told of; one line is enough."""
log = logging.getLogger(__name__)


@contextmanager
def hold(path: Path, *, timeout_s: float, keep: bool = True) -> Iterator[None]:
    """Hold the lock; without `keep`, its file is deleted at the end.

    Where the file system has no locks, a file that exists stands for one. Raises filelock.Timeout
    if another process holds it for longer, OSError if nothing can be written there.
    """
    is_hard = has_locks(path.parent)
    lock: BaseFileLock = (
        FileLock(path) if is_hard else SoftFileLock(path.with_name(path.name + SOFT_SUFFIX))
    )
    lock.acquire(timeout=timeout_s)
    try:
        yield
    finally:
        if is_hard and not keep:  # before others can lock it; those who wait take a new file
            with suppress(OSError):
                path.unlink()
        lock.release()


def has_locks(folder: Path, *, of_parts: bool = False) -> bool:
    """Whether a file that nobody else knows of can be locked here, or parts of one, as SQLite does;
    if not, one line says so. Raises OSError if nothing can be written there.
    """
    try:
        import fcntl
    except ImportError:  # Windows has locks of its own
        return True
    with tempfile.TemporaryFile(dir=folder) as file:
        try:
            (fcntl.lockf if of_parts else fcntl.flock)(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            _tell(folder)
            return False
    return True


def _tell(folder: Path) -> None:
    if not told:
        told.append(folder)
        log.warning(
            "%s: this file system has no locks; a file *%s or *.lock stands for each, to be "
            "deleted if another machine dies while it holds one",
            folder,
            SOFT_SUFFIX,
        )
