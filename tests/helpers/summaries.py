"""`summary.json` of a run → what it says of the codec; and summaries as a run would write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from distill.runs.summary import StageSummary, Summary


def codec_summary(run_dir: Path) -> dict[str, Any]:
    """Verdict, figures, health and warnings."""
    summary: dict[str, Any] = json.loads((run_dir / "summary.json").read_text())["stages"]["codec"]
    return summary


def stage_summary(stage: str, **values: Any) -> StageSummary:
    """A stage that has ended after two epochs, but for these values."""
    figures = {"train/loss": 0.5, "val/loss": 0.6}
    usual: dict[str, Any] = {
        "stage": stage,
        "finished": True,
        "verdict": "converged",
        "epochs": 2,
        "elapsed_s": 60.0,
        "final": figures,
        "best_epoch": 2,
        "best": figures,
        "warnings": [],
        "skipped_steps": 0,
        "details": {},
    }
    return StageSummary(**{**usual, **values})


def run_summary(*stages: StageSummary, **values: Any) -> Summary:
    """A run of these stages, but for these values."""
    usual: dict[str, Any] = {
        "name": "kit",
        "model_id": "12345678",
        "finished": True,
        "stages": {stage.stage: stage for stage in stages},
        "bundle": "best.distillgan",
        "bundle_bytes": 1_000,
        "published": None,
        "next_commands": ["python -m distill.generate kit -n 16"],
    }
    return Summary(**{**usual, **values})
