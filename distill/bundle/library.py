"""a finished run's best bundle → a copy under its model's name in the library folder."""

from __future__ import annotations

import re
import shutil
from itertools import count
from pathlib import Path

from distill.atomic import whole_file
from distill.bundle.format import SUFFIX

LONGEST_NAME = 100


def publish(bundle: Path, library: Path, *, name: str, earlier: Path | None = None) -> Path:
    """Copy a bundle into the library, whole or not at all, and return where it is.

    Nothing of another model is overwritten, however many runs publish at once; `earlier` is where
    the same run published before, and is replaced. Raises OSError.
    """
    library.mkdir(parents=True, exist_ok=True)
    if earlier is not None and earlier.parent.resolve() == library.resolve() and earlier.exists():
        with whole_file(earlier) as partial:
            shutil.copyfile(bundle, partial)
        return earlier
    stem = file_stem(name)
    for number in count():
        target = library / f"{stem if number == 0 else f'{stem}_{number}'}{SUFFIX}"
        if target.exists():
            continue
        try:
            with whole_file(target, replace=False) as partial:
                shutil.copyfile(bundle, partial)
        except FileExistsError:  # another run took the name in the meantime
            continue
        return target
    raise AssertionError("unreachable")


def file_stem(name: str) -> str:
    """A model's name → lower case letters, digits, `_` and `-`, at most 100 characters."""
    safe = re.sub(r"[^a-z0-9_-]+", "_", name.lower()).strip("_")[:LONGEST_NAME]
    return safe or "untitled"
