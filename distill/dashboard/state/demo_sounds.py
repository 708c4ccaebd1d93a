"""no run yet → sounds of the demo collection to play, written when they are first asked for."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from distill.dashboard.state.places import Places
from distill.dashboard.state.sounds import sound_row, sounds_in
from distill.data.demo import write_demo_collection

MOST_SHOWN = 12
_lock = threading.Lock()


def demo_rows(places: Places) -> list[dict[str, Any]]:
    """Rows to play, at most MOST_SHOWN, spread evenly over the sounds that a browser plays; raises
    WriteError. The first call takes some seconds.
    """
    with _lock:
        sounds = [*sounds_in(write_demo_collection(places.demo))]
    shown = min(MOST_SHOWN, len(sounds))
    return [_row(places, sounds[place * len(sounds) // shown]) for place in range(shown)]


def _row(places: Places, path: Path) -> dict[str, Any]:
    """Under the sound's own name: without its number, and what kind of file it is."""
    return {**sound_row(places, path, labels=["demo"]), "name": path.stem.partition(" ")[2]}
