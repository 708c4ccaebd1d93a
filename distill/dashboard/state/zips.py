"""files → the bytes of a zip, one after the other."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from distill.system.paths import is_text
from distill.system.terminal import plain

MISSING = "MISSING.txt"
"""In a zip: which files are not in it, and why."""
BLOCK_BYTES = 1 << 18


def zip_files(files: Iterable[tuple[Path, str]]) -> Iterator[bytes]:
    """Files under their names, with a list of those that cannot be in the zip."""
    missing = []
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED, strict_timestamps=False) as archive:
        for path, name in files:
            try:
                if why := obstacle(path):
                    missing.append(f"{name}: {why}")
                else:
                    info = zipfile.ZipInfo.from_file(path, name, strict_timestamps=False)
                    with path.open("rb") as file, archive.open(info, "w") as entry:
                        while block := file.read(BLOCK_BYTES):
                            entry.write(block)
                            yield pipe.take()
            except OSError as error:  # deleted a moment ago, or not to be read to its end
                missing.append(f"{name}: {error.strerror}")
        if missing:
            archive.writestr(MISSING, "".join(f"{plain(line)}\n" for line in missing))
    yield pipe.take()


def obstacle(path: Path) -> str:
    """Why a file cannot be in a zip; empty if it can."""
    if path.is_symlink():
        return "it is a link, which is not followed"
    if not is_text(path.name):
        return "its name is no text"
    return "" if os.access(path, os.R_OK) else "it cannot be read"


class _Pipe(io.RawIOBase):
    """What is written, to be taken piece by piece."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def write(self, data: Any, /) -> int:
        """Take in more."""
        self._written.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        """What was written since the last time."""
        taken = b"".join(self._written)
        self._written.clear()
        return taken
