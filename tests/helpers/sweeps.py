"""folders of a sweep's jobs, as their runs would leave them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from distill.sweep.job import DONE, Job
from distill.system.run_parts import CONFIG
from tests.helpers.summaries import run_summary, stage_summary


def level(utilization: float) -> dict[str, float]:
    """A level's health, as a summary has it."""
    return {"utilization": utilization, "perplexity": 200 * utilization, "dead_codes": 10}


def add(folder: Path, number: int, mel_db: float | None, **values: Any) -> Path:
    """A job's folder as a run leaves it, with its `settings`; no error means no summary."""
    job_dir = folder / str(number)
    job_dir.mkdir(parents=True)
    if (settings := values.pop("settings", None)) is not None:
        (job_dir / CONFIG).write_text(yaml.safe_dump(settings))
    utilization = values.pop("utilization", (0.9, 0.5))
    overrides = [*values.pop("overrides", [f"rvq.levels={number + 1}"]), "seed=3"]
    Job(number, overrides, values.pop("state", DONE), values.pop("reason", "")).write(job_dir)
    if mel_db is not None:
        best = values.pop("best", {"val/mel_db": mel_db})
        details = {
            "health": {f"level_{i}": level(share) for i, share in enumerate(utilization)},
            "bitrate_kbps": values.pop("bitrate_kbps", 1.0),
        }
        codec = stage_summary("codec", best=best, epochs=20, details=details)
        usual = {
            "name": f"kit-{number}",
            "finished": False,
            "published": f"/library/kit-{number}.distillgan",
        }
        run_summary(codec, **{**usual, **values}).write(job_dir)
    return job_dir
