"""What a scan made of the files."""

from __future__ import annotations

from pathlib import Path

from distill.data.collection import Collection


def used_paths(collection: Collection) -> dict[str, str]:
    """Name of each file used → its content."""
    return {Path(sound.path).name: sound.content for sound in collection.sounds}


def left_out(collection: Collection) -> dict[str, str]:
    """Name of each file left out → the reason."""
    return {Path(file.path).name: file.text for file in collection.left_out}
