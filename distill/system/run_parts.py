"""a path in or around the folder of a run → the folder that is meant."""

from __future__ import annotations

from pathlib import Path

from distill.system.paths import path_and_parents

CONFIG = "config.yaml"
CHECKPOINTS = "checkpoints"
LOG = "train.log"
PROGRESS = "progress.jsonl"
SUMMARY = "summary.json"
"""The names by which rooms below `runs` know a run; the others are in `distill.runs.folder`."""
MARKS = (CHECKPOINTS, LOG, SUMMARY)
BELOW_OUTPUTS = ("train/*", "multirun/*/*")
"""Where runs lie below `outputs`: those of a sweep are in its folder."""


def run_of(path: Path) -> Path | None:
    """The folder of the run that the path is, or lies in; None if it is not in one. The path need
    not exist.
    """
    return next(filter(_is_run, path_and_parents(path)), None)


def runs_in(folder: Path) -> list[Path]:
    """The runs that lie directly in the folder, which a sweep's do; sorted by name."""
    try:
        return sorted(inside for inside in folder.iterdir() if _is_run(inside))
    except OSError:
        return []


def outputs_of(run_dir: Path) -> Path | None:
    """The folder `outputs` that a run lies in, alone or in a sweep; None if it lies elsewhere."""
    parents = run_dir.absolute().parents
    for name, *inside in (place.split("/") for place in BELOW_OUTPUTS):
        depth = len(inside)
        if len(parents) > depth and parents[depth - 1].name == name:
            return parents[depth]
    return None


def _is_run(folder: Path) -> bool:
    try:
        return (folder / CONFIG).is_file() and any((folder / mark).exists() for mark in MARKS)
    except (OSError, ValueError):  # not a name
        return False
