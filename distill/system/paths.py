"""a path as a user typed it ↔ a Path."""

from __future__ import annotations

import os
import re
from pathlib import Path


def path_of(word: str | Path) -> Path:
    """The path, with `~` replaced by the home folder if there is one."""
    try:
        return Path(word).expanduser()
    except RuntimeError:  # `~kick.wav` is a file
        return Path(word)


def exists(word: str | Path) -> bool:
    """Whether there is a file or folder of this name; a word that cannot be a name is none."""
    try:
        return path_of(word).exists()
    except (OSError, ValueError):
        return False


def is_folder(word: str | Path) -> bool:
    """Whether there is a folder of this name; a word that cannot be a name is none."""
    return exists(word) and path_of(word).is_dir()


def path_and_parents(path: Path) -> list[Path]:
    """The path, then the folders that it lies in, nearest first. They begin as it does, but the
    folder that distill runs in, and those around it, are absolute.
    """
    full = Path(os.path.abspath(path))
    as_typed = [] if ".." in path.parts or path == Path() else [path, *path.parents]
    if not path.is_absolute():
        as_typed = as_typed[:-1]  # "."
    return [*as_typed, *[full, *full.parents][len(as_typed) :]]


def is_address(root: str) -> bool:
    """Whether this is the address of an object store, not a folder: `s3://bucket/shards`."""
    return "://" in root


def from_here(path: Path) -> Path:
    """The path to show to a user: relative if it is inside the working directory."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def list_folder(folder: Path) -> list[Path]:
    """What lies directly in a folder, by name; empty if it cannot be read."""
    try:
        return sorted(folder.iterdir())
    except (OSError, ValueError):
        return []


def natural_key(name: str) -> tuple[str, str]:
    """A key to sort names by, with the numbers in them as numbers: 1, 2, 10."""
    return re.sub(r"[0-9]+", lambda found: found[0].lstrip("0").zfill(20), name), name


def written_ns(path: str | Path) -> int:
    """When a file or folder was changed last, in Unix time (ns); 0 if there is none."""
    try:
        return os.stat(path).st_mtime_ns
    except (OSError, ValueError):
        return 0


def is_text(name: str) -> bool:
    """Whether a file's name can be shown and typed: it may be bytes that are not Unicode."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
