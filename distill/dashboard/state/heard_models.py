"""the runs below `outputs` → one sound to hear of each model that they made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from distill.dashboard.state.kept import mark
from distill.dashboard.state.places import Places
from distill.dashboard.state.sounds import new_sounds_of, page_rows, preview_rows
from distill.runs.of_model import newest_summaries
from distill.runs.summary import Summary

RESULT = "result"


def sounds_of_models(places: Places) -> dict[str, dict[str, Any]]:
    """The id of each model that has a sound here → a row with one take: the first of the new sounds
    that were made last, or else a held-out sound as the model gives it back.
    """
    found: dict[str, dict[str, Any]] = {}
    for run_dir, summary in newest_summaries(places.outputs):
        model_id = summary.model_id
        if model_id and model_id not in found and (row := _first(places, run_dir, summary)):
            found[model_id] = row
    return found


def made_last(places: Places, *, varies: bool) -> list[dict[str, Any]]:
    """Rows of the new sounds that a run has made last; empty if none has."""
    for run_dir, summary in newest_summaries(places.outputs):
        if rows := page_rows(places, new_sounds_of(run_dir, summary)):
            return mark(places, rows, varies=varies)
    return []


def _first(places: Places, run_dir: Path, summary: Summary) -> dict[str, Any] | None:
    if new := page_rows(places, new_sounds_of(run_dir, summary)):
        return _with_take(new[0], new[0]["takes"][0], "new sound")
    held_out = page_rows(places, run_dir) or preview_rows(places, run_dir)[1]
    for row in held_out:
        for take in row["takes"]:
            if take["label"] == RESULT:
                return _with_take(row, take, "held-out sound, as the model gives it back")
    return None


def _with_take(row: dict[str, Any], take: dict[str, str], kind: str) -> dict[str, Any]:
    return {"id": row["id"], "name": row["name"], "takes": [take], "kind": kind}
