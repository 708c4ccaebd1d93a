"""What scans read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import soundfile


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
