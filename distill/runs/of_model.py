"""a model's id → the folders of the runs that made it, wherever they lie below `outputs`."""

from __future__ import annotations

from pathlib import Path

from distill.runs.summary import read_summary
from distill.system.run_parts import BELOW_OUTPUTS, SUMMARY


def runs_of(outputs: Path, model_id: str) -> list[Path]:
    """The runs that made or changed a model, the one that ended last first."""
    found = [
        (path.stat().st_mtime_ns, path.parent)
        for place in BELOW_OUTPUTS
        for path in outputs.glob(f"{place}/{SUMMARY}")
        if (summary := read_summary(path.parent)) and summary.model_id == model_id
    ]
    return [run_dir for _, run_dir in sorted(found, reverse=True)]
