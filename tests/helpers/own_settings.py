"""A folder with settings that somebody has written, for those who compose them."""

from __future__ import annotations

from pathlib import Path

HEADER = "# @package _global_\n"


def write_settings(folder: Path, **files: str) -> Path:
    """The files, each under the name of its path with two underscores for a slash."""
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def usual_settings(folder: Path) -> Path:
    """An experiment that chooses a file of a group, which lies beside it."""
    return write_settings(
        folder,
        experiment__mine=f"{HEADER}defaults:\n  - override /rvq: tiny\nseed: 7\n",
        rvq__tiny="defaults: [default]\nlevels: 2\n",
    )
