"""content → a file that exists completely or not at all, even if writing it is interrupted."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PARTIAL_SUFFIX = ".part"
PATIENCE_S = 2.0 if sys.platform == "win32" else 0.0
"""How long a rename waits for those who read the old file."""
LOST = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
"""What a flush answers if the file's content has not arrived; anything else is that this file
system cannot flush.
"""


@contextmanager
def whole_file(path: Path, *, replace: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path`; at the end, flush the file to disk and rename it.

    After any error it is deleted. With `replace=False`, raises FileExistsError if `path` exists,
    also if another process has made it a moment ago.
    """
    # only a part of the name: the full one may be as long as the file system allows
    handle, name = tempfile.mkstemp(
        dir=path.parent, prefix=f".{path.name[:32]}.", suffix=PARTIAL_SUFFIX
    )
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        _flush(partial, os.O_RDWR)  # Windows flushes nothing that is open to read only
        with suppress(OSError):  # mkstemp makes private files; not every drive has permissions
            partial.chmod(0o666 & ~_umask())
        if replace:
            _replace(partial, path)
        else:
            _rename_to_free(partial, path)
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise
    with suppress(OSError):  # some systems cannot open or flush a folder
        _flush(path.parent)


def _replace(partial: Path, path: Path) -> None:
    """`os.replace`, which Windows refuses while somebody reads the old file."""
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            os.replace(partial, path)
        except PermissionError:
            if time.monotonic() >= until:
                raise
            time.sleep(PATIENCE_S / 50)
        else:
            return


def _rename_to_free(partial: Path, path: Path) -> None:
    """Rename a file; unlike `os.replace`, raises FileExistsError if the name is taken."""
    try:
        os.link(partial, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links, as on memory sticks: create the name first
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        try:
            os.replace(partial, path)
        except BaseException:
            path.unlink()
            raise
    else:
        with suppress(OSError):
            partial.unlink()


def write_free(paths: Iterable[Path], write: Callable[[Path], object]) -> Path:
    """Write a file under the first of the names that is free; `write` fills the path that it is
    given. Returns the name. No other file is replaced, also if processes do this at the same time.
    """
    for path in paths:
        if not os.path.lexists(path):
            try:
                with whole_file(path, replace=False) as partial:
                    write(partial)
            except FileExistsError:  # another process took the name a moment ago
                continue
            return path
    raise AssertionError("there is always another name")


def write_text(path: Path, text: str, *, replace: bool = True) -> None:
    """Write UTF-8 text, completely or not at all. Bytes of names that are not Unicode are written
    as escapes (`\\udcff`), which JSON reads as the same name.
    """
    with whole_file(path, replace=replace) as partial:
        partial.write_text(text, encoding="utf-8", errors="backslashreplace")


def remove_partial_files(folder: Path, *, older_than_s: float = 0.0) -> None:
    """Delete half-written files that killed processes left in the folder."""
    for partial in folder.glob(f".*{PARTIAL_SUFFIX}"):
        with suppress(FileNotFoundError):
            if time.time() - partial.stat().st_mtime >= older_than_s:
                partial.unlink()


def _flush(path: Path, access: int = os.O_RDONLY) -> None:
    descriptor = os.open(path, access)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno in LOST:
            raise
    finally:
        os.close(descriptor)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
