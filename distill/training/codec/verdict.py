"""history + health → a verdict on a codec, in plain words."""

from __future__ import annotations

from distill.codec.level_health import SideHealth, show_share
from distill.codec.yardstick import Rating, held_out_figures, rate
from distill.data.split import FEWEST_HELD_OUT
from distill.runs.history import History
from distill.system.terminal import quantity
from distill.training.records.course import Course, Trend, judge_course
from distill.training.records.outlook import Forecast, Outlook, describe_forecast, forecast

FIGURE = "val/mel_db"
"""The held-out figure by which a codec is judged."""


def verdict(
    history: History,
    health: SideHealth | None,
    *,
    min_utilization: float,
    finished: bool,
    held_out_sounds: int | None = None,
) -> str:
    """Say whether it converged, still improves, overfits or has collapsed levels; several of these
    can be true.
    """
    findings = []
    ill = health.ill_levels(min_utilization) if health else ()
    if ill:
        assert health is not None
        named = ", ".join(
            f"{health.name(level)} ({show_share(health.every_level[level].utilization)} in use)"
            for level in ill
        )
        findings.append(f"collapsed: {named}")
    findings.append(_course(history, finished=finished).text)
    if health and not health.can_judge(min_utilization):
        findings.append(
            f"too little sound to judge the codebooks ({health.positions:,} places in it, "
            f"for {health.codebook_size} codes in each codebook)"
        )
    if history.epochs and held_out_sounds is not None and held_out_sounds < FEWEST_HELD_OUT:
        sounds = quantity(held_out_sounds, "sound")
        findings.append(f"weak figures: only {sounds} held out, so chance has a large part in them")
    return "; ".join(findings)


def rate_best(history: History) -> Rating | None:
    """The best epoch, which `best.distillgan` holds, by the yardstick; None before the first."""
    return (
        rate(held_out_figures(history.of_epoch(history.best_epoch(FIGURE))))
        if history.epochs
        else None
    )


def outlook(history: History, *, finished: bool, elapsed_s: float) -> Forecast:
    """What ten more minutes would likely bring; unknown for a run that was stopped, whose learning
    rate had not yet fallen to its end.
    """
    if not finished or not history.epochs:
        return Forecast(Outlook.UNKNOWN)
    if _course(history, finished=finished).trend is Trend.OVERFITTING:
        return Forecast(Outlook.WORSE, history[FIGURE][-1])
    return forecast(history[FIGURE], elapsed_s=elapsed_s)


def describe_sound(rating: Rating | None, ahead: Forecast) -> str:
    """How close it sounds, and what more time would bring, in plain words; empty if neither is
    known.
    """
    parts = [f"sounds {rating.closeness}: {rating.reason}"] if rating else []
    return "; ".join([*parts, *filter(None, [describe_forecast(ahead)])])


def _course(history: History, *, finished: bool) -> Course:
    return judge_course(history, FIGURE, "held-out mel error", finished=finished)
