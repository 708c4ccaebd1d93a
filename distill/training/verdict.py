"""loss history + health → what became of the run, in plain words."""

from __future__ import annotations

from distill.system.terminal import counted
from distill.training.codec.health import SideHealth
from distill.training.history import LossHistory

FEWEST_EPOCHS = 5
TAIL = 0.2
"""Share of the run over which improvement is judged."""
STILL_IMPROVING = 0.02
"""Improvement of the held-out error over the tail from which a longer run is worth it."""
OVERFITTING = 0.03
"""Rise of the held-out loss over its minimum, while the training loss falls, that counts."""


def verdict(
    history: LossHistory, health: SideHealth | None, *, min_utilization: float, finished: bool
) -> str:
    """Converged, still improving, overfitting since epoch n, or collapsed levels; several may be
    true.
    """
    said = []
    ill = health.ill_levels(min_utilization) if health else ()
    if ill:
        assert health is not None
        named = ", ".join(
            f"level {level} ({health.levels[level].utilization:.1%} in use)" for level in ill
        )
        said.append(f"collapsed: {named}")
    if not finished:
        said.append(f"stopped after {counted(history.epochs, 'epoch')}, before its end")
    elif history.epochs < FEWEST_EPOCHS:
        said.append(f"too short to judge: {counted(history.epochs, 'epoch')}")
    else:
        said.append(_course(history))
    if health and not health.can_judge(min_utilization):
        said.append(
            "too few positions to judge the codebooks "
            f"({health.positions:,} for {health.codebook_size} codes)"
        )
    return "; ".join(said)


def _course(history: LossHistory) -> str:
    """How the held-out curve went; smoothed, because single epochs are noisy."""
    val, train = _smooth(history.val_losses), _smooth(history.train_losses)
    best = min(range(len(val)), key=val.__getitem__)
    if val[-1] > val[best] * (1 + OVERFITTING) and train[-1] < train[best]:
        rise = val[-1] / val[best] - 1
        return (
            f"overfitting since epoch {best + 1}: the held-out loss rose by {rise:.0%} "
            "while the training loss fell"
        )
    mel_db = _smooth(history.val_mel_db)
    tail = max(2, round(TAIL * len(mel_db)))
    gain = 1 - mel_db[-1] / mel_db[-tail] if mel_db[-tail] > 0 else 0.0
    change = (
        f"the held-out mel error fell by {gain:.1%}"
        if gain > 0
        else "the held-out mel error did not fall"
    )
    if gain > STILL_IMPROVING:
        return f"still improving: {change} over the last {tail} epochs"
    return f"converged for a run of this length: {change} over the last {tail} epochs"


def _smooth(values: list[float]) -> list[float]:
    """Mean of each value and its neighbours, a tenth of the run in all."""
    reach = len(values) // 20
    windows = [values[max(0, i - reach) : i + reach + 1] for i in range(len(values))]
    return [sum(window) / len(window) for window in windows]
