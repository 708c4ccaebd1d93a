"""What scans read."""

from __future__ import annotations

from pathlib import Path

import pytest

from distill.audio.reader import SoundReader


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that are opened as sounds from here on."""
    names: list[str] = []
    open_sound = SoundReader.__init__

    def noted(self: SoundReader, path: Path) -> None:
        names.append(path.name)
        open_sound(self, path)

    monkeypatch.setattr(SoundReader, "__init__", noted)
    return names
