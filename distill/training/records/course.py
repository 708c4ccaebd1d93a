"""loss history → whether a stage converged, still improves or overfits, in plain words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from distill.runs.history import History
from distill.system.terminal import quantity

FEWEST_EPOCHS = 5
TAIL = 0.2
"""Share of the epochs over which improvement is judged."""
STILL_IMPROVING = 0.02
"""If the held-out figure improves by more than this over the tail, a longer run is worth it."""
OVERFITTING = 0.03
"""If the held-out loss rises by more than this over its minimum while the training loss falls, the
run overfits.
"""


class Trend(Enum):
    """Where a stage's curves go."""

    STOPPED = auto()
    """Nowhere yet: it was stopped before its end."""
    TOO_SHORT = auto()
    OVERFITTING = auto()
    IMPROVING = auto()
    CONVERGED = auto()


@dataclass(frozen=True)
class Course:
    """What became of a stage."""

    trend: Trend
    text: str
    """The same in plain words, with figures."""


def judge_course(history: History, figure: str, name: str, *, finished: bool) -> Course:
    """Judge the curves: converged, still improving or overfitting. `name` is the held-out figure
    in words.

    The curves are smoothed, because single epochs are noisy.
    """
    epochs = quantity(history.epochs, "epoch")
    if not finished:
        return Course(Trend.STOPPED, f"stopped after {epochs}, before its end")
    if history.epochs < FEWEST_EPOCHS:
        return Course(Trend.TOO_SHORT, f"too short to judge: {epochs}")
    val, train = _smooth(history["val/loss"]), _smooth(history["train/loss"])
    best = min(range(len(val)), key=val.__getitem__)
    if val[-1] > val[best] * (1 + OVERFITTING) and train[-1] < train[best]:
        rise = val[-1] / val[best] - 1
        return Course(
            Trend.OVERFITTING,
            f"overfitting since epoch {best + 1}: the held-out loss rose by {rise:.0%} "
            "while the training loss fell",
        )
    curve = _smooth(history[figure])
    tail = max(2, round(TAIL * len(curve)))
    gain = 1 - curve[-1] / curve[-tail] if curve[-tail] > 0 else 0.0
    change = f"the {name} fell by {gain:.1%}" if gain > 0 else f"the {name} did not fall"
    if gain > STILL_IMPROVING:
        return Course(Trend.IMPROVING, f"still improving: {change} over the last {tail} epochs")
    return Course(
        Trend.CONVERGED,
        f"converged for a run of this length: {change} over the last {tail} epochs",
    )


def _smooth(values: list[float]) -> list[float]:
    """Moving average over a tenth of the run."""
    reach = len(values) // 20
    windows = [values[max(0, i - reach) : i + reach + 1] for i in range(len(values))]
    return [sum(window) / len(window) for window in windows]
