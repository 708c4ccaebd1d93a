"""Folders of new sounds as a process would have left them, and models to make them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import soundfile

from distill.catalog.catalog import Catalog
from distill.catalog.entry import Entry
from distill.dashboard.state import new_sounds
from distill.dashboard.state.models import Models
from distill.dashboard.state.places import Places
from distill.listen.folder import ListeningPage
from distill.listen.rows import Row, Take
from tests.helpers.made_bundle import publish_bundle


def sound(path: Path, value: float = 0.0) -> Path:
    """A short sound file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.full(80, value, dtype=np.float32), 8_000)
    return path


def call(
    places: Places,
    name: str = "2026-01-31_15-00-00_kit",
    *,
    seed: int = 0,
    model_id: str = "",
    alive: bool = False,
    number: int = 0,
) -> Path:
    """A folder of two new sounds, as a process has left it, or this one is making it."""
    folder = places.new_sounds / name
    for each in (1, 2):
        sound(folder / f"kit_{seed}_{each:03d}.wav", each / 10)
    words = ["distill.generate", f"--seed={seed}", "--count=2", "--", "kit.distillgan"]
    pid, began_s = (os.getpid(), psutil.Process().create_time()) if alive else (1, 0.0)
    note = {"pid": pid, "pid_started_s": began_s, "words": words}
    note |= {"number": number, "model_id": model_id}
    (folder / "process.json").write_text(json.dumps(note))
    return folder


def listen_page(folder: Path) -> Path:
    """A page to listen to one new sound, which is there."""
    page = ListeningPage(folder)
    page.make_files_folder()
    name = sound(folder / "kit_0_001.wav").name
    page.add(Row(name, (Take("new", name),), 0.01, name))
    page.write([])
    return folder


def show_call(places: Places) -> dict[str, Any]:
    """What the page is told of new sounds."""
    value = new_sounds.show(Models(places), "")
    assert value is not None
    return value


def entry_of(places: Places, **fields: Any) -> Entry:
    """A model in the library."""
    return publish_bundle(Catalog(places.library), "kit", **fields)
