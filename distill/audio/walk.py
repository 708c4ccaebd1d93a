"""folders → every file below them, and the folders that were not searched."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from distill.audio.own_output import kind_of_folder
from distill.audio.reasons import Reason


class Found(NamedTuple):
    """A file, or a folder that was not searched."""

    path: Path
    reason: Reason | None = None
    """None for a file; UNREADABLE or OWN_OUTPUT for a folder."""
    detail: str = ""


def walk(folders: Sequence[Path]) -> Iterator[Found]:
    """Every file below `folders`, hidden ones too, sorted by name; at the end, the folders that
    cannot be searched.

    Links to folders are followed, and each folder is searched once. Folders below them that distill
    wrote are reported and not searched.
    """
    seen: set[tuple[int, int]] = set()
    unsearchable: list[Found] = []

    def keep(error: OSError) -> None:
        detail = f"cannot be searched: {error.strerror}"
        unsearchable.append(Found(Path(error.filename), Reason.UNREADABLE, detail))

    for folder in folders:
        for parent, subfolders, names in os.walk(folder, followlinks=True, onerror=keep):
            try:
                status = os.stat(parent)
            except OSError as error:  # it was deleted a moment ago
                keep(error)
                subfolders.clear()
                continue
            here = status.st_dev, status.st_ino
            if here in seen:  # a link to a folder above, or a folder given twice
                subfolders.clear()
                continue
            path = Path(parent)
            own = kind_of_folder(path, names)
            if own and path != folder:
                yield Found(path, Reason.OWN_OUTPUT, f"{own}, not searched")
                subfolders.clear()
                continue
            seen.add(here)
            subfolders.sort()
            yield from (Found(Path(parent, name)) for name in sorted(names))
    yield from unsearchable
