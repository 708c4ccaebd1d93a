"""progress through a run, in steps or minutes → learning rate."""

from __future__ import annotations

import math

from distill.config import OptimizerConfig


def learning_rate(config: OptimizerConfig, *, step: int, progress: float) -> float:
    """Linear rise over the first steps, then half a cosine over `progress` 0 to 1 down to the final
    share.
    """
    rise = min(1.0, (step + 1) / (config.warmup_steps + 1))
    fall = 0.5 * (1 + math.cos(math.pi * min(max(progress, 0.0), 1.0)))
    return config.lr * rise * (config.final_lr_fraction + (1 - config.final_lr_fraction) * fall)
