"""`model_library.json` ↔ the entries in it: read without a lock, changed under one. No torch.

The index is a JSON object: `version` (2) and `models`, a list of objects with the fields of
`distill.catalog.entry.Entry`. All of it can be made again from the bundles beside it.
"""

from __future__ import annotations

import json
import logging
import os
import shlex
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from distill.catalog.entry import Entry
from distill.errors import LibraryError
from distill.system.atomic import write_text
from distill.system.validation import InvalidError

NAME = "model_library.json"
DEFAULT_FOLDER = Path("outputs/library")
VERSION = 2
LARGEST_BYTES = 64 << 20
"""Some 30,000 models."""
LOCK = ".model_library.lock"
PATIENCE_S = 120
log = logging.getLogger(__name__)


class DamagedIndexError(LibraryError):
    """The index as a whole cannot be used."""


@dataclass
class Index:
    """What the file holds."""

    entries: list[Entry] = field(default_factory=list)
    damaged: list[object] = field(default_factory=list)
    """Entries that cannot be used; written back as they are, until a repair."""
    version: int = VERSION


def repair_command(folder: Path) -> str:
    """What to type to have the index of a library made again."""
    where = "" if folder == DEFAULT_FOLDER else f" --library {shlex.quote(str(folder))}"
    return f"python -m distill.library repair{where}"


def read_index(folder: Path) -> Index:
    """The index of a library folder, empty if there is none; warns of what is damaged or newer.

    Raises DamagedIndexError, or LibraryError where the file cannot be read.
    """
    path = folder / NAME
    value: Any = None
    try:
        status = path.stat()
        # a pipe would be waited for, and parsing takes many times a file's size
        if stat.S_ISREG(status.st_mode) and status.st_size <= LARGEST_BYTES:
            value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Index()
    except OSError as error:
        raise LibraryError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError):
        pass
    models = value.get("models") if isinstance(value, dict) else None
    version = value.get("version") if isinstance(value, dict) else None
    if not isinstance(models, list) or type(version) is not int:
        raise DamagedIndexError(
            f"{path}: damaged; `{repair_command(folder)}` makes it again from the models"
        )
    if version > VERSION:
        log.warning(
            "%s was written by a newer distill (version %d): it is read as far as it is known",
            path,
            version,
        )
    index = Index(version=version)
    for number, model in enumerate(models):
        try:
            index.entries.append(Entry.from_json(model))
        except InvalidError as error:
            mend = repair_command(folder)
            log.warning("%s: entry %d is skipped: %s; `%s` mends it", path, number, error, mend)
            index.damaged.append(model)
    return index


@contextmanager
def changing(folder: Path, *, rebuild: Callable[[], list[Entry]]) -> Iterator[Index]:
    """The index, for this process alone; what is changed in it is then written whole.

    An index that is damaged as a whole is set aside and made of what `rebuild` gives. Raises
    LibraryError for one that a newer distill wrote, and if the lock cannot be had.
    """
    path = folder / NAME
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / LOCK, timeout=PATIENCE_S):
            try:
                index = read_index(folder)
            except DamagedIndexError:
                aside = _free_name(path)
                os.replace(path, aside)
                log.warning("%s was damaged: set aside as %s and made again", path, aside.name)
                index = Index(rebuild())
            if index.version > VERSION:
                raise LibraryError(
                    f"{path}: was written by a newer distill (version {index.version}) and is not "
                    "changed by this one: please upgrade distill"
                )
            yield index
            models = [*(entry.to_json() for entry in index.entries), *index.damaged]
            value = {"version": VERSION, "models": models}
            write_text(path, json.dumps(value, indent=1) + "\n")
    except Timeout:
        raise LibraryError(
            f"{folder}: another process has held the library for {PATIENCE_S} s"
        ) from None


def _free_name(path: Path) -> Path:
    """`model_library.damaged.json`, or with a number where there is one already."""
    names = (path.with_suffix(f".damaged{number or ''}.json") for number in count())
    return next(name for name in names if not name.exists())
