"""the list of the calls that made new sounds in a folder, `generate.json`: what stands in it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from distill.generation.making import NewSound

VERSION = 1


def facts_of(file: str, sound: NewSound) -> dict[str, Any]:
    """What the list says of a sound."""
    peak = float(sound.waveform.abs().max())
    return {
        "file": file,
        "number": sound.number,
        "class": sound.class_name or None,
        "length_s": round(len(sound.waveform) / sound.codes.sample_rate_hz, 4),
        "level_dbfs": round(sound.level_db, 2) if math.isfinite(sound.level_db) else None,
        "peak": round(peak, 4),
        "nearest": sound.nearest or None,
        "distance_db": round(sound.distance_db, 3) if math.isfinite(sound.distance_db) else None,
        "novelty": round(sound.novelty, 3) if math.isfinite(sound.novelty) else None,
        "copy": sound.is_copy,
        "drawn": sound.attempts,
    }


def seeds_in(path: Path, model_id: str, names: set[str]) -> set[int]:
    """The seeds of this model's sounds that are there, under whatever name it had."""
    seeds: set[int] = set()
    for call in earlier_calls(path):
        with suppress(TypeError, KeyError):  # a list that somebody else wrote
            if call["model_id"] == model_id and any(
                each["file"] in names for each in call["sounds"]
            ):
                seeds.add(call["settings"]["seed"])
    return seeds


def earlier_calls(path: Path) -> Sequence[Any]:
    """The calls that a list has; none if it is not there or cannot be read."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return []
    calls = value.get("calls") if isinstance(value, dict) else None
    return calls if isinstance(calls, list) else []
