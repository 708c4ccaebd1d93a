"""a model's id → the folders of the runs that made it, wherever they lie below `outputs`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from distill.runs.summary import Summary, read_summary
from distill.system.paths import written_ns
from distill.system.run_parts import BELOW_OUTPUTS, SUMMARY


def runs_of(outputs: Path, model_id: str) -> list[Path]:
    """The runs that made or changed a model, the one that ended last first."""
    summaries = newest_summaries(outputs)
    return [run_dir for run_dir, summary in summaries if summary.model_id == model_id]


def newest_summaries(outputs: Path) -> Iterator[tuple[Path, Summary]]:
    """The runs below `outputs` that left a summary, the one that ended last first."""
    for path in sorted(_summaries(outputs), key=written_ns, reverse=True):
        if summary := read_summary(path.parent):
            yield path.parent, summary


def newest_summary_ns(outputs: Path) -> int:
    """When a run below `outputs` last left a summary; 0 if none has."""
    return max(map(written_ns, _summaries(outputs)), default=0)


def _summaries(outputs: Path) -> Iterator[Path]:
    return (path for place in BELOW_OUTPUTS for path in outputs.glob(f"{place}/{SUMMARY}"))
