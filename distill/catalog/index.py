"""`model_library.json` ↔ the entries in it: read without a lock, changed under one. No torch.

The index is a JSON object: `version` (2) and `models`, a list of objects with the fields of
`distill.catalog.entry.Entry`. All of it can be made again from the bundles beside it.
"""

from __future__ import annotations

import json
import logging
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from filelock import Timeout

from distill.catalog.entry import Entry
from distill.errors import LibraryError
from distill.system.atomic import write_text
from distill.system.locks import hold
from distill.system.shell import command_of, shell_word
from distill.system.validation import InvalidError

NAME = "model_library.json"
DEFAULT_FOLDER = Path("outputs/library")
VERSION = 2
LARGEST_BYTES = 64 << 20
"""Enough for about 30,000 models."""
LOCK = ".model_library.lock"
PATIENCE_S = 120
log = logging.getLogger(__name__)


class DamagedIndexError(LibraryError):
    """The whole index cannot be used, not only some of its entries."""


@dataclass
class Index:
    """The content of the index file."""

    entries: list[Entry] = field(default_factory=list)
    damaged: list[object] = field(default_factory=list)
    """Entries that cannot be used; written back as they are, until a repair."""
    version: int = VERSION


def repair_command(folder: Path) -> str:
    """The command that makes the index of a library again."""
    where = "" if folder == DEFAULT_FOLDER else f" --library {shell_word(str(folder))}"
    return f"{command_of('library')} repair{where}"


def read_index(folder: Path) -> Index:
    """The index of a library folder, empty if there is none; warns of damaged entries, and of an
    index that a newer distill wrote.

    Raises DamagedIndexError, or LibraryError if the file cannot be read.
    """
    path = folder / NAME
    value: Any = None
    try:
        status = path.stat()
        # reading a pipe would wait for ever, and parsing takes many times a file's size in memory
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
            f"{path}: damaged; to make it again from the models: `{repair_command(folder)}`"
        )
    if version > VERSION:
        log.warning(
            "%s was written by a newer distill (version %d); this one may not show all of it",
            path,
            version,
        )
    index = Index(version=version)
    for number, model in enumerate(models):
        try:
            index.entries.append(Entry.from_json(model))
        except InvalidError as error:
            repair = repair_command(folder)
            log.warning(
                "%s: entry %d is skipped: %s; to repair it: `%s`", path, number, error, repair
            )
            index.damaged.append(model)
    return index


@contextmanager
def change_index(folder: Path, *, rebuild: Callable[[], list[Entry]]) -> Iterator[Index]:
    """Lock the index, yield it to be changed, and write it.

    A damaged index is renamed, and a new one is made from the entries that `rebuild` returns.
    Raises LibraryError for an index that a newer distill wrote, and if another process holds the
    lock for too long.
    """
    path = folder / NAME
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with hold(folder / LOCK, timeout_s=PATIENCE_S):
            try:
                index = read_index(folder)
            except DamagedIndexError:
                aside = _free_name(path)
                os.replace(path, aside)
                log.warning("%s was damaged: renamed to %s and made again", path, aside.name)
                index = Index(rebuild())
            if index.version > VERSION:
                raise LibraryError(
                    f"{path}: was written by a newer distill (version {index.version}), so this "
                    "one does not change it; please upgrade distill"
                )
            yield index
            models = [*(entry.to_json() for entry in index.entries), *index.damaged]
            value = {"version": VERSION, "models": models}
            write_text(path, json.dumps(value, indent=1) + "\n")
    except Timeout:
        raise LibraryError(
            f"{folder}: another process has locked the library for {PATIENCE_S} s; try again later"
        ) from None


def _free_name(path: Path) -> Path:
    """`model_library.damaged.json`, with a number if this name is taken."""
    names = (path.with_suffix(f".damaged{number or ''}.json") for number in count())
    return next(name for name in names if not name.exists())
