"""a path as a user typed it ↔ a Path."""

from __future__ import annotations

from pathlib import Path


def path_of(word: str | Path) -> Path:
    """The path, with `~` replaced by the home folder if there is one."""
    try:
        return Path(word).expanduser()
    except RuntimeError:  # `~kick.wav` is a file
        return Path(word)


def is_address(root: str) -> bool:
    """Whether this is the address of an object store, not a folder: `s3://bucket/shards`."""
    return "://" in root


def from_here(path: Path) -> Path:
    """The path to show to a user: relative if it is inside the working directory."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
