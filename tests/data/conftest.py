"""What scans are asked about."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import soundfile

from distill.data.collection import Collection


def used(collection: Collection) -> dict[str, str]:
    """Name of each file used → its content."""
    return {Path(sound.path).name: sound.content for sound in collection.sounds}


def left_out(collection: Collection) -> dict[str, str]:
    """Name of each file left out → the reason."""
    return {Path(file.path).name: file.text for file in collection.left_out}


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that soundfile is asked to open from here on."""
    names: list[str] = []
    open_sound = soundfile.SoundFile

    def noted(file: bytes | str | Path, *arguments: object, **more: object) -> object:
        names.append(Path(os.fsdecode(file)).name)
        return open_sound(file, *arguments, **more)

    monkeypatch.setattr(soundfile, "SoundFile", noted)
    return names
