"""steps and minutes → progress through a run → learning rate."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from distill.settings.schema import OptimizerConfig

NEARLY = 0.02
"""Share of the minutes that is too little for an epoch worth its report."""
SHOWN = 10
"""How many epochs are shown before each is worth half."""


def learning_rate(config: OptimizerConfig, *, step: int, progress: float) -> float:
    """Linear rise over the first steps, then half a cosine over `progress` 0 to 1 down to the final
    share.
    """
    rise = min(1.0, (step + 1) / (config.warmup_steps + 1))
    fall = 0.5 * (1 + math.cos(math.pi * min(max(progress, 0.0), 1.0)))
    return config.lr * rise * (config.final_lr_fraction + (1 - config.final_lr_fraction) * fall)


def worth_showing(epoch: int, every: int) -> bool:
    """Whether to draw and sound the epoch, counted from 1: the first, every few, and the fewer the
    longer the run, so that what it leaves does not grow without bound.
    """
    step = every * 2 ** max(0, (epoch // (SHOWN * every)).bit_length())
    return epoch == 1 or epoch % step == 0


@dataclass(frozen=True)
class Limits:
    """How long a stage trains, and what its steps may be."""

    max_epochs: int | None
    max_minutes: float | None
    gradient_clip_val: float
    max_bad_steps: int
    """So many in a row that are not finite end the run."""

    def are_reached(self, epochs: int, elapsed_s: float) -> bool:
        """Whether there is no more to train after so many epochs and seconds."""
        if self.max_epochs is not None and epochs >= self.max_epochs:
            return True
        return self.max_minutes is not None and elapsed_s >= 60 * self.max_minutes * (1 - NEARLY)


class RunClock:
    """How far a stage is, by epochs or by minutes; the time before an interruption counts."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.elapsed_before_s = 0.0
        self._started_s = time.monotonic()
        self._agreed_s: float | None = None

    def start(self) -> None:
        """Training begins, or goes on, now."""
        self._started_s = time.monotonic()

    @property
    def elapsed_s(self) -> float:
        """Wall time spent in training."""
        return self.elapsed_before_s + time.monotonic() - self._started_s

    def agree(self, elapsed_s: float) -> None:
        """From here on, decide by this time instead of one's own: ranks must decide alike."""
        self._agreed_s = elapsed_s

    @property
    def deciding_s(self) -> float:
        """The time that decisions are made by."""
        return self.elapsed_s if self._agreed_s is None else self._agreed_s

    @property
    def time_is_up(self) -> bool:
        """Whether the minutes are spent, if they are limited."""
        limit = self.limits.max_minutes
        return limit is not None and self.deciding_s >= 60 * limit

    @property
    def time_is_nearly_up(self) -> bool:
        """Whether too little time is left, if it is limited, for another epoch."""
        return self.limits.are_reached(-1, self.deciding_s)

    def progress(self, steps_done: int, steps_an_epoch: int) -> float:
        """Share of the run that is done, 0 to 1, by epochs or by minutes, whichever is further."""
        shares = [0.0]
        if self.limits.max_epochs:
            shares.append(steps_done / (self.limits.max_epochs * steps_an_epoch))
        if self.limits.max_minutes:
            shares.append(self.deciding_s / (60 * self.limits.max_minutes))
        return min(1.0, max(shares))
