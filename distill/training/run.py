"""settings → a trained run folder: sounds, then each stage, then the summary."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from distill.settings.schema import TrainConfig
from distill.training.sounds import open_sounds

if TYPE_CHECKING:
    from distill.training.summary import Summary


def train(config: TrainConfig, run_dir: Path, *, resume: bool = False) -> Summary | None:
    """Scan, split and train in `run_dir`; the first rank returns the summary, the others None.

    Completes `config` in place. Raises DistillError for what the user can mend, RunStopped after a
    stop request.
    """
    source, data = open_sounds(config, run_dir, resume=resume)
    config.name = config.name or f"{source.name}-{time.strftime('%Y-%m-%d-%H-%M-%S')}"

    from distill.training.session import train_run  # torch and Lightning: only now needed

    return train_run(config, source, data, run_dir, resume=resume)
