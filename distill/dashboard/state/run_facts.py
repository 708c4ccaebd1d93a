"""rows of a run → the parts that the page shows: levels, curves, settings, sentences."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from distill.codec.yardstick import held_out_figures, rate, show_figures
from distill.dashboard.state.advice import NOTHING, of_curves, of_figures, of_levels
from distill.dashboard.state.progress_record import CURVES, ProgressRecord, StageRecord
from distill.data.classes import classes_in_words
from distill.data.collection import REPORT
from distill.runs.rows import EpochRow, SoundsRow, StartRow
from distill.system.paths import exists, is_address, is_folder
from distill.system.terminal import duration, plain, quantity

MOST_POINTS = 240
STAGES = {"codec": "Codec", "vocoder": "Vocoder", "prior": "Prior"}


def describe_sounds(row: SoundsRow) -> str:
    """The sounds of a run in words: `266 files, 7:07 in all; 245 to train on, ...`."""
    told = [
        f"{plain(row.name)}: {quantity(row.files, 'file')}, {duration(row.duration_s)} in all",
        f"{row.train:,} to train on, {row.held_out:,} held out",
    ]
    if words := classes_in_words(row.classes):
        told.append(f"classes: {words}")
    if row.left_out:
        counts = (f"{count:,} {plain(reason)}" for reason, count in row.left_out.items())
        told.append(f"left out: {', '.join(counts)}")
    return "; ".join(told)


def sounds_advice(row: SoundsRow) -> str:
    """What to do about the sounds that a run uses."""
    if row.left_out:
        return (
            f"What is no sound is left out, and that is well; {REPORT} in the run's folder names "
            "each file, with the reason."
        )
    return f"{NOTHING}: every file is used."


def number(value: float | str) -> str:
    """A value of a setting in words."""
    return f"{value:.3g}" if isinstance(value, float) else plain(str(value))


def settings_of(start: StartRow) -> list[list[str]]:
    """The settings that somebody at the page is likely to have changed, in words."""
    shown = (
        ("levels", ("rvq", "levels")),
        ("levels of the low rows", ("rvq", "low_levels")),
        ("commitment weight", ("model", "commitment_weight")),
        ("codebook size", ("rvq", "codebook_size")),
        ("learning rate", ("optimizer", "lr")),
        ("epochs", ("trainer", "max_epochs")),
    )
    minutes = start.settings.get("minutes")
    in_all = number(minutes) if isinstance(minutes, float | int) else "from the collection"
    rows = [["minutes in all", in_all]]
    for name, (group, key) in shown:
        value = start.setting(group, key)
        known = isinstance(value, float | int | str)
        rows.append([name, number(value) if known else "chosen by the run"])
    return rows


def levels_of(epoch: EpochRow, start: StartRow | None) -> dict[str, Any] | None:
    """Health of each level in the newest epoch; `low` marks those that are warned about."""
    side = epoch.health
    if side is None:
        return None
    lowest = start.setting("health", "min_utilization") if start else None
    rows = side.rows(lowest if isinstance(lowest, float | int) else 0.0)
    complete = all(part.complete for part in side.parts)
    low = f", {side.low.codebook_size} in the low rows" if side.low else ""
    return {
        "epoch": epoch.epoch,
        "sizes": f"{side.codebook_size} codes each{low}",
        "complete": complete,
        "rows": [row.to_json() for row in rows],
        "advice": of_levels(rows, is_complete=complete),
    }


def heard_of(figures: Mapping[str, float], *, is_active: bool) -> list[str]:
    """How the held-out sounds of an epoch come back, in words, and what to do about it; empty if it
    was not measured.
    """
    measured = held_out_figures(figures)
    if not (rating := rate(measured)):
        return []
    words = f"{', '.join(show_figures(measured))}; sounds {rating.closeness}"
    return [words, of_figures(measured, is_active=is_active)]


def chart_of(stage: str, record: StageRecord, *, is_active: bool) -> dict[str, Any] | None:
    """The loss curves of a stage, each thinned to what a screen can show, and what to do."""
    epochs = max(map(len, record.curves.values()), default=0)
    lines = [
        {"label": label, "points": thin(record.curves[label])}
        for label in CURVES.values()
        if any(value is not None for value in record.curves.get(label, []))
    ]
    if not lines:
        return None
    advice = of_curves(record, is_active=is_active)
    name = STAGES.get(stage, plain(stage))
    return {"stage": name, "epochs": epochs, "lines": lines, "advice": advice}


def thin(values: Sequence[float | None]) -> list[list[float]]:
    """Values of epochs 1, 2, ... → at most MOST_POINTS pairs (epoch, mean of its neighbours)."""
    step = max(1, -(-len(values) // MOST_POINTS))
    points = []
    for first in range(0, len(values), step):
        known = [value for value in values[first : first + step] if value is not None]
        if known:
            last = min(first + step, len(values))
            points.append([float(last), float(f"{sum(known) / len(known):.5g}")])
    return points


def choices_of(record: ProgressRecord) -> list[dict[str, str]]:
    """What the run has chosen, and why."""
    return [
        {"key": plain(row.key), "value": number(row.value), "reason": plain(row.reason)}
        for row in record.choices.values()
    ]


def news_of(record: ProgressRecord) -> list[dict[str, Any]]:
    """Warnings and other news of all stages, oldest first in each."""
    return [
        {"epoch": epoch, "text": plain(text), "stage": name}
        for name, each in record.stages.items()
        for epoch, text in each.news
    ]


def missing_of(start: StartRow) -> str:
    """The folders of sounds that are not there any more."""
    gone = (root for root in start.roots if not is_address(root) and not is_folder(root))
    return plain(", ".join(gone))


def is_stale(command: str) -> bool:
    """Whether a command names a place that is not there any more."""
    try:
        words = [word.rpartition("=")[2] for word in shlex.split(command)]
    except ValueError:
        return True
    return any(os.path.isabs(word) and not exists(word) for word in words)


def verdicts_of(record: ProgressRecord) -> list[list[str]]:
    """Stage and verdict, of each stage that has ended."""
    return [
        [STAGES.get(name, name), plain(each.summary.verdict)]
        for name, each in record.stages.items()
        if each.summary and each.summary.verdict
    ]


def stages_of(record: ProgressRecord) -> list[dict[str, Any]]:
    """Each stage that is asked for, and the share of it that is done, 0 to 1."""
    names = record.start.stages if record.start else []
    newest = names.index(record.stage) if record.stage in names else -1
    shares = []
    for place, name in enumerate(names):
        ended = record.stages.get(name, StageRecord()).summary
        done = (ended is not None and ended.finished) or place < newest
        share = 1.0 if done else _share(record) if place == newest else 0.0
        shares.append(
            {"name": STAGES.get(name, plain(name)), "share": round(share, 4), "done": done}
        )
    return shares


def _share(record: ProgressRecord) -> float:
    step = record.step
    if step is None or step.left_s is None or step.elapsed_s + step.left_s <= 0:
        return 0.0
    return step.elapsed_s / (step.elapsed_s + step.left_s)
