"""a run that ended → its figures, the commands to type next, and `summary.json`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import count
from pathlib import Path
from typing import Any

from distill.catalog.files import file_stem
from distill.catalog.index import DEFAULT_FOLDER
from distill.runs.folder import LAST
from distill.runs.history import History
from distill.system.atomic import write_text
from distill.system.json_values import read_object, without_nan
from distill.system.paths import from_here
from distill.system.ranges import nan_as_null, or_null
from distill.system.run_parts import SUMMARY
from distill.system.shell import command_of, shell_line, shell_word
from distill.system.validation import InvalidError, instance_of


@dataclass(frozen=True)
class StageSummary:
    """The figures of a stage that ended."""

    stage: str
    finished: bool
    verdict: str
    epochs: int
    elapsed_s: float
    final: dict[str, float] = field(metadata=nan_as_null())
    """Figures of the last epoch; empty before the first one ends."""
    best_epoch: int | None
    """Counted from 1."""
    best: dict[str, float] = field(metadata=nan_as_null())
    """Figures of the best epoch."""
    warnings: list[str]
    skipped_steps: int
    details: dict[str, Any]
    """Values of this kind of stage alone; for the codec: codebook size, bitrate and health."""

    @classmethod
    def of(
        cls,
        history: History,
        *,
        stage: str,
        monitor: str,
        finished: bool,
        verdict: str,
        elapsed_s: float,
        warnings: list[str],
        skipped_steps: int,
        details: Mapping[str, Any],
    ) -> StageSummary:
        """The summary from a stage's curves and its own figures."""
        best = history.best_epoch(monitor) if history.epochs else None
        return cls(
            stage=stage,
            finished=finished,
            verdict=verdict,
            epochs=history.epochs,
            elapsed_s=round(elapsed_s, 1),
            final=history.last(),
            best_epoch=None if best is None else best + 1,
            best={} if best is None else history.of_epoch(best),
            warnings=warnings,
            skipped_steps=skipped_steps,
            details=dict(details),
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values; `details` are at the same level as the other keys."""
        values = {key: value for key, value in vars(self).items() if key != "details"}
        return {**values, **self.details}


def take_details_apart(value: object) -> object:
    """A stage's summary as `to_json` makes it → with `details` under a key of their own; another
    value is unchanged.
    """
    if not isinstance(value, dict):
        return value
    known = {each.name for each in fields(StageSummary)} - {"details"}
    apart: dict[str, Any] = {key: value[key] for key in value.keys() & known}
    return {**apart, "details": {key: value[key] for key in value if key not in known}}


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The figures of a run that ended, and where its model is."""

    name: str
    model_id: str | None
    finished: bool
    stages: dict[str, StageSummary]
    bundle: str | None
    bundle_bytes: int | None
    published: str | None
    page: str | None = field(default=None, metadata=or_null())
    """The page to listen to held-out sounds, by the newest stage that makes them sound."""
    new_sounds_page: str | None = field(default=None, metadata=or_null())
    """The page to listen to new sounds."""
    next_commands: list[str]

    def write(self, run_dir: Path) -> None:
        """Write `summary.json`, with NaN and infinity as null; what it says of stages that did not
        train now stays. Raises OSError.
        """
        stages = {**stages_ended(run_dir), **self.stages}
        plain = {name: stage.to_json() for name, stage in stages.items()}
        value = without_nan({**vars(self), "stages": plain})
        write_text(run_dir / SUMMARY, json.dumps(value, indent=1, ensure_ascii=False))


def read_summary(run_dir: Path) -> Summary | None:
    """The `summary.json` of a run folder, with NaN for null; None if there is none that distill
    wrote.
    """
    value = read_object(run_dir / SUMMARY)
    stages = value.get("stages")
    if isinstance(stages, dict):
        value["stages"] = {name: take_details_apart(stage) for name, stage in stages.items()}
    try:
        return instance_of(Summary, value)
    except InvalidError:
        return None


def stages_ended(run_dir: Path) -> dict[str, StageSummary]:
    """The stages that have ended, by the summary of the run, and their figures."""
    summary = read_summary(run_dir)
    return summary.stages if summary else {}


def suggest_commands(
    run_dir: Path,
    *,
    name: str,
    bundle: Path | None,
    published: Path | None,
    sounds: Sequence[str],
    limits_in: str,
    max_epochs: int | None,
    max_minutes: float | None,
    finished: bool,
    elapsed_s: float,
    has_prior: bool,
) -> list[str]:
    """The commands to type next: make new sounds, listen, look at the curves, train longer, with
    the limits of the stage doubled, which are in the group `limits_in` of the settings.
    """
    commands = []
    if bundle is not None:
        model = model_word(name, published) if published else str(from_here(bundle))
        folders = [str(from_here(Path(folder))) for folder in sounds]
        if has_prior:
            commands.append(f"{command_of('generate')} {shell_word(model)} -n 16")
        words = shell_line([model, *folders, "-o", _new_folder()])
        commands.append(f"{command_of('reconstruct')} {words}")
    # the folder in which TensorBoard finds this run and others: `outputs` in the usual case
    logdir = from_here(run_dir.parent.parent if run_dir.parent.name == "train" else run_dir)
    commands.append(f"tensorboard --logdir {shell_word(str(logdir))}")
    if any(run_dir.glob(LAST)):  # not if the disk was full
        longer = ""
        if finished and max_epochs:
            longer += f" {limits_in}.max_epochs={2 * max_epochs}"
        if finished and max_minutes:
            minutes = max(max_minutes, math.ceil(elapsed_s / 60))
            longer += f" {limits_in}.max_minutes={2 * minutes:g}"
        resume = shell_word(str(from_here(run_dir)))
        commands.append(f"{command_of('train')} resume={resume}{longer}")
    return commands


def model_word(name: str, published: Path) -> str:
    """How to name a model in a command: in the default library by its name, or by that of its file
    where two are alike; elsewhere by its path.
    """
    if published.parent != DEFAULT_FOLDER.absolute():
        return str(from_here(published))
    return name if published.stem == file_stem(name) else published.stem


def _new_folder() -> str:
    """`listen`, or `listen-2` and so on where that is there: `reconstruct` overwrites nothing."""
    names = ("listen" if number == 1 else f"listen-{number}" for number in count(1))
    return next(name for name in names if not Path(name).exists())
