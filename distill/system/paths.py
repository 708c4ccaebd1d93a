"""A path as someone typed it → a Path."""

from __future__ import annotations

from pathlib import Path


def path_of(word: str | Path) -> Path:
    """`~` is home where there is one."""
    try:
        return Path(word).expanduser()
    except RuntimeError:  # `~kick.wav` is a file
        return Path(word)
