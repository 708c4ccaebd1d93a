"""folders → every file below them, and the folders that were not searched."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from distill.audio.reasons import Reason


class Found(NamedTuple):
    """A file, or a folder that was not searched."""

    path: Path
    reason: Reason | None = None
    """Of a folder only: UNREADABLE or OWN_OUTPUT."""
    detail: str = ""


def walk(folders: Sequence[Path], *, own_output: Path | None = None) -> Iterator[Found]:
    """Every entry below `folders` that is not a folder, hidden ones too, in the order of names;
    then the folders that cannot be searched.

    Links to folders are followed, and each folder is searched once. `own_output` is named and not
    searched where it lies below one of the folders.
    """
    seen: set[tuple[int, int]] = set()
    skipped = _identity_of(own_output)
    closed: list[Found] = []

    def keep(error: OSError) -> None:
        detail = f"cannot be searched: {error.strerror}"
        closed.append(Found(Path(error.filename), Reason.UNREADABLE, detail))

    for folder in folders:
        for parent, subfolders, names in os.walk(folder, followlinks=True, onerror=keep):
            try:
                status = os.stat(parent)
            except OSError as error:  # it was there a moment ago
                keep(error)
                subfolders.clear()
                continue
            here = status.st_dev, status.st_ino
            if here == skipped and Path(parent) != folder:
                yield Found(Path(parent), Reason.OWN_OUTPUT, "not searched")
                subfolders.clear()
                continue
            if here in seen:  # a link back up, or a folder named twice
                subfolders.clear()
                continue
            seen.add(here)
            subfolders.sort()
            yield from (Found(Path(parent, name)) for name in sorted(names))
    yield from closed


def _identity_of(folder: Path | None) -> tuple[int, int] | None:
    try:
        status = folder.stat() if folder else None
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if status else None
