"""figures of a run or a model → one sentence each that says what to do about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from distill.catalog.entry import Entry
from distill.codec.level_health import LevelRow
from distill.codec.yardstick import Closeness, rate
from distill.dashboard.state.progress_record import StageRecord
from distill.runs.history import History
from distill.training.records.course import Trend, judge_course

NOTHING = "Nothing to do"
IDLE = 0.3
"""A model whose worst level uses less of its codes has too many: conf/health has the same limit."""
OF_TRENDS = {
    Trend.TOO_SHORT: (
        f"{NOTHING} yet: it is too early to judge.",
        "Too short to judge: if it does not please you yet, give it more minutes.",
    ),
    Trend.IMPROVING: (
        f"{NOTHING} but wait: the validation loss still falls.",
        "The validation loss was still falling at the end: more minutes would help.",
    ),
    Trend.CONVERGED: (
        f"{NOTHING}: the validation loss hardly falls any more.",
        f"{NOTHING}: the validation loss hardly fell any more, so more minutes would bring little.",
    ),
    Trend.OVERFITTING: (
        "The validation loss rises while the training loss falls: it can be stopped; the best "
        "weights are kept.",
        "The validation loss rose while the training loss fell: more sounds would help, more "
        "minutes would not; the best weights are kept.",
    ),
}
"""What is said while a stage trains, and after it."""


def of_levels(rows: Iterable[LevelRow], *, is_complete: bool) -> str:
    """What to do about the health of levels."""
    idle = [row.name for row in rows if row.is_low]
    if idle:
        words = " and ".join([", ".join(idle[:-1]), idle[-1]] if idle[1:] else idle)
        verb = "are" if idle[1:] else "is"
        return f"{words[0].upper()}{words[1:]} {verb} mostly idle: the warning says what to change."
    if not is_complete:
        return f"{NOTHING} yet: a later epoch measures more places."
    return f"{NOTHING}: all levels are in use."


def of_figures(figures: Mapping[str, float], *, is_active: bool) -> str:
    """What to do about the figures of held-out sounds; empty if there are none to rate."""
    rating = rate(figures)
    if rating is None:
        return ""
    if rating.closeness is Closeness.CLOSE:
        return f"{NOTHING}: they come back close to their originals."
    if is_active:
        return f"{NOTHING} but wait: {rating.reason}; the figures fall while it learns."
    return f"To come closer, give it more minutes, or more sounds of this kind: {rating.reason}."


def of_curves(record: StageRecord, *, is_active: bool) -> str:
    """What to do about the curves of a stage; empty if it has no validation."""
    val, train = (record.curves.get(line, []) for line in ("validation", "train"))
    known = [(v, t) for v, t in zip(val, train, strict=False) if v is not None and t is not None]
    if not known:
        return ""
    history = History({"val/loss": [v for v, _ in known], "train/loss": [t for _, t in known]})
    course = judge_course(history, "val/loss", "validation loss", finished=True)
    return OF_TRENDS[course.trend][not is_active]


def of_model(entry: Entry) -> str:
    """What to do about the figures of a model in the library; empty if it has none."""
    worst = entry.worst_utilization
    if worst is not None and worst < IDLE:
        return (
            "A level is mostly idle: train again with fewer codes (rvq.codebook_size), or levels."
        )
    return of_figures(entry.heard, is_active=False)
