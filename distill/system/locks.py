"""the path of a lock's file → held by this process alone; the system lets go of it after a kill."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLock

SOFT_SUFFIX = ".soft"
"""Of the file that stands for a lock where the file system has none."""
log = logging.getLogger(__name__)


@contextmanager
def hold(path: Path, *, timeout_s: float, keep: bool = True) -> Iterator[None]:
    """Hold the lock; without `keep`, its file is deleted at the end.

    Where the file system has no locks, a file that exists stands for one. Raises filelock.Timeout
    if another process holds it for longer, OSError if nothing can be written there.
    """
    lock: BaseFileLock = FileLock(path)
    if not _has_locks(path.parent):
        path = path.with_name(path.name + SOFT_SUFFIX)
        lock = SoftFileLock(path)
        _tell_once(path.parent)
    lock.acquire(timeout=timeout_s)
    try:
        yield
    finally:
        if not keep:  # filelock looks whether a file that it locked still has its name
            with suppress(OSError):
                path.unlink(missing_ok=True)
        lock.release()


def _has_locks(folder: Path) -> bool:
    """Whether a file that nobody else knows of can be locked here."""
    try:
        import fcntl
    except ImportError:  # Windows has locks of its own
        return True
    with tempfile.TemporaryFile(dir=folder) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True


@cache
def _tell_once(folder: Path) -> None:
    log.warning(
        "%s: this file system has no locks; a file stands for each. If another machine dies while "
        "it holds one, delete the file *%s",
        os.fspath(folder),
        SOFT_SUFFIX,
    )
