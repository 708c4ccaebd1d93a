"""content → a file that exists completely or not at all, even if writing it is interrupted."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PARTIAL_SUFFIX = ".part"


@contextmanager
def whole_file(path: Path, *, replace: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path`; at the end, flush the file to disk and rename it.

    After any error it is deleted. With `replace=False`, raises FileExistsError if `path` exists.
    """
    # only a part of the name: the full one may be as long as the file system allows
    handle, name = tempfile.mkstemp(
        dir=path.parent, prefix=f".{path.name[:32]}.", suffix=PARTIAL_SUFFIX
    )
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        _flush(partial)
        # mkstemp makes private files; give the file the usual permissions
        partial.chmod(0o666 & ~_umask())
        if replace:
            os.replace(partial, path)
        else:
            _rename_to_free(partial, path)
    except BaseException:
        with suppress(FileNotFoundError):
            partial.unlink()
        raise
    _flush(path.parent)


def _rename_to_free(partial: Path, path: Path) -> None:
    """Rename a file; unlike `os.replace`, raises FileExistsError if the name is taken."""
    try:
        os.link(partial, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links, as on memory sticks: create the name first
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        os.replace(partial, path)
    else:
        partial.unlink()


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text, completely or not at all. Bytes of names that are not Unicode are written
    as escapes (`\\udcff`), which JSON reads as the same name.
    """
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8", errors="backslashreplace")


def remove_partial_files(folder: Path, *, older_than_s: float = 0.0) -> None:
    """Delete half-written files that killed processes left in the folder."""
    for partial in folder.glob(f".*{PARTIAL_SUFFIX}"):
        with suppress(FileNotFoundError):
            if time.time() - partial.stat().st_mtime >= older_than_s:
                partial.unlink()


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with suppress(OSError):  # some file systems cannot flush a folder
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
