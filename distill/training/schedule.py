"""steps and minutes → progress through a run → learning rate."""

from __future__ import annotations

import math
import time

from distill.config import OptimizerConfig, TrainerConfig


def learning_rate(config: OptimizerConfig, *, step: int, progress: float) -> float:
    """Linear rise over the first steps, then half a cosine over `progress` 0 to 1 down to the final
    share.
    """
    rise = min(1.0, (step + 1) / (config.warmup_steps + 1))
    fall = 0.5 * (1 + math.cos(math.pi * min(max(progress, 0.0), 1.0)))
    return config.lr * rise * (config.final_lr_fraction + (1 - config.final_lr_fraction) * fall)


NEARLY = 0.02


class RunClock:
    """How far a run is, by epochs or by minutes; the time before an interruption counts."""

    def __init__(self, limits: TrainerConfig) -> None:
        self.limits = limits
        self.elapsed_before_s = 0.0
        self._started_s = time.monotonic()

    def start(self) -> None:
        """Training begins, or goes on, now."""
        self._started_s = time.monotonic()

    @property
    def elapsed_s(self) -> float:
        """Wall time spent in training."""
        return self.elapsed_before_s + time.monotonic() - self._started_s

    @property
    def time_is_up(self) -> bool:
        """Whether the minutes are spent, if they are limited."""
        limit = self.limits.max_minutes
        return limit is not None and self.elapsed_s >= 60 * limit

    @property
    def time_is_nearly_up(self) -> bool:
        """Whether too little time is left, if it is limited, for an epoch that is worth its
        report.
        """
        limit = self.limits.max_minutes
        return limit is not None and self.elapsed_s >= 60 * limit * (1 - NEARLY)

    def progress(self, steps_done: int, steps_an_epoch: int) -> float:
        """Share of the run that is done, 0 to 1, by epochs or by minutes, whichever is further."""
        shares = [0.0]
        if self.limits.max_epochs:
            shares.append(steps_done / (self.limits.max_epochs * steps_an_epoch))
        if self.limits.max_minutes:
            shares.append(self.elapsed_s / (60 * self.limits.max_minutes))
        return min(1.0, max(shares))
