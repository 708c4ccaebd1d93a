"""steps and minutes → how much of a run is done → learning rate."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from distill.settings.schema import OptimizerConfig

NEARLY = 0.02
"""If less than this share of the minutes is left, no further epoch starts."""
SHOWN = 10
"""After this many previews, the interval between them doubles, and so on."""


def learning_rate(config: OptimizerConfig, *, step: int, progress: float) -> float:
    """The learning rate of a step: it rises linearly over the first steps; over the run's
    `progress` 0 to 1 it falls along half a cosine to `final_lr_fraction`.
    """
    assert config.lr is not None
    rise = min(1.0, (step + 1) / (config.warmup_steps + 1))
    fall = 0.5 * (1 + math.cos(math.pi * min(max(progress, 0.0), 1.0)))
    return config.lr * rise * (config.final_lr_fraction + (1 - config.final_lr_fraction) * fall)


def is_shown(epoch: int, every: int) -> bool:
    """Whether previews and charts are written for an epoch, counted from 1: for the first, then at
    intervals that grow, so that a long run does not fill the disk.
    """
    step = every * 2 ** max(0, (epoch // (SHOWN * every)).bit_length())
    return epoch == 1 or epoch % step == 0


@dataclass(frozen=True)
class StageLimits:
    """How long a stage trains, how gradients are clipped, and how many bad steps end it."""

    max_epochs: int | None
    max_minutes: float | None
    gradient_clip_val: float
    max_bad_steps: int
    """This many steps in a row that are not finite end the run."""

    def are_reached(self, epochs: int, elapsed_s: float) -> bool:
        """Whether the stage is complete after these epochs and seconds."""
        if self.max_epochs is not None and epochs >= self.max_epochs:
            return True
        return self.max_minutes is not None and elapsed_s >= 60 * self.max_minutes * (1 - NEARLY)


class RunClock:
    """Measures how far a stage is, by epochs or by minutes; time before an interruption counts."""

    def __init__(self, limits: StageLimits) -> None:
        self.limits = limits
        self.elapsed_before_s = 0.0
        self._started_s = time.monotonic()
        self._stopped_s: float | None = None
        self._agreed_s: float | None = None

    def start(self) -> None:
        """Start counting time: training begins or continues now."""
        self._started_s, self._stopped_s = time.monotonic(), None

    def stop(self) -> None:
        """Stop counting: the training is done."""
        self._stopped_s = time.monotonic()

    @property
    def elapsed_s(self) -> float:
        """Wall-clock time of the training so far."""
        now_s = time.monotonic() if self._stopped_s is None else self._stopped_s
        return self.elapsed_before_s + now_s - self._started_s

    def agree(self, elapsed_s: float) -> None:
        """Use this time for all decisions instead of this rank's own: ranks must decide alike."""
        self._agreed_s = elapsed_s

    @property
    def deciding_s(self) -> float:
        """The time that decisions are based on."""
        return self.elapsed_s if self._agreed_s is None else self._agreed_s

    @property
    def time_is_up(self) -> bool:
        """Whether the limit of minutes is reached; false without one."""
        limit = self.limits.max_minutes
        return limit is not None and self.deciding_s >= 60 * limit

    @property
    def time_is_nearly_up(self) -> bool:
        """Whether too little time is left for another epoch; false without a limit."""
        return self.limits.are_reached(-1, self.deciding_s)

    def progress(self, steps_done: int, steps_an_epoch: int) -> float:
        """Share of the run that is done, 0 to 1, by epochs or by minutes, whichever is further."""
        shares = [0.0]
        if self.limits.max_epochs:
            shares.append(steps_done / (self.limits.max_epochs * steps_an_epoch))
        if self.limits.max_minutes:
            shares.append(self.deciding_s / (60 * self.limits.max_minutes))
        return min(1.0, max(shares))
