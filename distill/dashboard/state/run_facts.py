"""rows of a run → the parts that the page shows: levels, curves, settings, sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from distill.codec.level_health import SideHealth
from distill.codec.yardstick import held_out_figures, rate, show_figures
from distill.dashboard.state.progress_record import CURVES, ProgressRecord, StageRecord
from distill.system.terminal import counted, duration, plain
from distill.system.validation import InvalidError

MOST_POINTS = 240
STAGES = {"codec": "Codec", "vocoder": "Vocoder", "prior": "Prior"}
EMPTY: dict[str, Any] = {
    **dict.fromkeys(("version", "path", "sentence", "left", "sounds", "heard"), ""),
    **{
        part: []
        for part in (
            *("stages", "choices", "settings", "warnings", "charts"),
            *("new_sounds", "verdicts", "commands"),
        )
    },
    "levels": None,
    "previews": {"label": "", "rows": []},
    "model": None,
    "can_stop": False,
    "can_go_on": False,
}
"""What is shown of a run with rows that distill did not write."""


def describe_sounds(row: dict[str, Any]) -> str:
    """A row `sounds` in words: `266 files, 7:07 in all; 245 to train on, ...`."""
    left_out = row.get("left_out") or {}
    told = [
        f"{plain(str(row.get('name')))}: {counted(int(row.get('files') or 0), 'file')}, "
        f"{duration(float(row.get('duration_s') or 0))} in all",
        f"{row.get('train', 0):,} to train on, {row.get('held_out', 0):,} held out",
    ]
    if left_out:
        counts = (f"{count:,} {plain(str(reason))}" for reason, count in left_out.items())
        told.append(f"left out: {', '.join(counts)}")
    return "; ".join(told)


def number(value: object) -> str:
    """A value of a setting in words."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def settings_of(settings: object) -> list[list[str]]:
    """The settings that somebody at the page is likely to have changed, in words."""
    if not isinstance(settings, dict):
        return []
    shown = (
        ("levels", ("rvq", "levels")),
        ("commitment weight", ("model", "commitment_weight")),
        ("codebook size", ("rvq", "codebook_size")),
        ("learning rate", ("optimizer", "lr")),
        ("epochs", ("trainer", "max_epochs")),
        ("minutes", ("trainer", "max_minutes")),
    )
    rows = []
    for name, (group, key) in shown:
        value = (settings.get(group) or {}).get(key)
        rows.append([name, "chosen by the run" if value is None else number(value)])
    return rows


def levels_of(epoch: dict[str, Any], settings: object) -> dict[str, Any] | None:
    """Health of each level in the newest epoch; `low` marks those that are warned about."""
    try:
        side = SideHealth.from_plain((epoch.get("details") or {}).get("health"))
    except InvalidError:
        return None
    group = settings.get("health") if isinstance(settings, dict) else None
    rows = side.rows(float((group or {}).get("min_utilization", 0)))
    return {
        "epoch": epoch.get("epoch"),
        "size": side.codebook_size,
        "complete": side.complete,
        "rows": [row.to_json() for row in rows],
    }


def heard_of(figures: dict[str, Any]) -> str:
    """How the held-out sounds of an epoch come back, in words; empty if it was not measured."""
    measured = {key: db for key, db in held_out_figures(figures).items() if db is not None}
    rating = rate(measured)
    return f"{', '.join(show_figures(measured))}; sounds {rating.closeness}" if rating else ""


def chart_of(stage: str, record: StageRecord) -> dict[str, Any] | None:
    """The loss curves of a stage, each thinned to what a screen can show."""
    epochs = max(map(len, record.curves.values()), default=0)
    lines = [
        {"label": label, "points": thin(record.curves[label])}
        for label in CURVES.values()
        if any(value is not None for value in record.curves.get(label, []))
    ]
    return {"stage": STAGES.get(stage, stage), "epochs": epochs, "lines": lines} if lines else None


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


def verdicts_of(record: ProgressRecord) -> list[list[str]]:
    """Stage and verdict, of each stage that has ended."""
    return [
        [STAGES.get(name, name), plain(str(each.summary["verdict"]))]
        for name, each in record.stages.items()
        if each.summary and each.summary.get("verdict")
    ]
