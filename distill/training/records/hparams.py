"""settings and final figures of a run → TensorBoard's HPARAMS tab, which compares runs by them."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from distill.runs.summary import StageSummary, stages_ended
from distill.settings.schema import STAGES, TrainConfig

FOLDER = "hparams"
"""A run of its own beside those of the stages: so the tab has these figures and no others."""
NO_SETTINGS = ("name", "resume", "callbacks", "logger", "library", "data.cache_dir")
"""What changes nothing of what is learnt."""
log = logging.getLogger(__name__)


def write_hparams(config: TrainConfig, run_dir: Path, *, finished: bool) -> None:
    """Write all settings, sizes included, and the figures of the stages that have ended, in place
    of what was written before: TensorBoard keeps the first settings that it finds in a folder.

    Which settings differ, TensorBoard finds by itself. Does nothing without TensorBoard's logger;
    what cannot be written is left out, with a warning.
    """
    folder = hparams_folder(config, run_dir)
    if folder is None:
        return
    with suppress(OSError):
        shutil.rmtree(folder)
    stages = stages_ended(run_dir)
    codec = stages.get("codec")
    try:
        _write(
            folder,
            settings_of(config, stages),
            figures_of(stages),
            codec.epochs if codec else 0,
            finished,
        )
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        log.warning("%s: TensorBoard's table of settings not written: %s", folder, why)


def hparams_folder(config: TrainConfig, run_dir: Path) -> Path | None:
    """Where the table's file lies; None if the run has no event files of TensorBoard."""
    if config.logger is None:
        return None
    curves = run_dir / config.logger.name / config.logger.version
    return curves / FOLDER if any(curves.glob("*/events.out.tfevents.*")) else None


def settings_of(config: TrainConfig, stages: Collection[str]) -> dict[str, float | str]:
    """Key → value, as a number or as text; without null, and what is of other stages than these and
    those that the run trains.
    """
    others = {*STAGES} - {*stages, *config.stages}
    return {
        key: value
        for key, value in _flat(asdict(config))
        if not any(f"{key}.".startswith(f"{other}.") for other in (*NO_SETTINGS, *others))
    }


def figures_of(stages: Mapping[str, StageSummary]) -> dict[str, float]:
    """The figures of a leaderboard, by the same names, of the stages that have ended."""
    figures: dict[str, float | None] = {}
    if (codec := stages.get("codec")) is not None:
        health = codec.details.get("health") or {}
        used = [level["utilization"] for level in health.values()]
        figures["mel_db"] = codec.best.get("val/mel_db")
        figures["onset_db"] = codec.best.get("val/onset_db")
        figures["worst_utilization"] = min(used, default=None)
        figures["bitrate_kbps"] = codec.details.get("bitrate_kbps")
    if (prior := stages.get("prior")) is not None:
        figures["bits_per_s"] = prior.details.get("bits_per_s")
    figures["elapsed_s"] = sum(stage.elapsed_s for stage in stages.values())
    return {name: value for name, value in figures.items() if value is not None}


def _flat(values: Mapping[str, Any], group: str = "") -> Iterator[tuple[str, float | str]]:
    for name, value in values.items():
        key = f"{group}{name}"
        if isinstance(value, dict):
            yield from _flat(value, f"{key}.")
        elif isinstance(value, bool):
            yield key, str(value).lower()
        elif isinstance(value, int | float):
            yield key, value
        elif isinstance(value, list):
            yield key, _text(", ".join(map(str, value)))
        elif value is not None:
            yield key, _text(str(value))


def _text(text: str) -> str:
    """Text that a protocol buffer can hold: bytes that are not Unicode are escaped."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _write(
    folder: Path,
    settings: dict[str, float | str],
    figures: Mapping[str, float],
    epochs: int,
    finished: bool,
) -> None:
    from torch.utils.tensorboard.summary import hparams
    from torch.utils.tensorboard.writer import SummaryWriter

    _, start, end = hparams(settings, {})
    with SummaryWriter(str(folder)) as writer:
        writer.file_writer.add_summary(start)
        for name, value in figures.items():
            writer.add_scalar(f"final/{name}", value, epochs)
        if finished:
            writer.file_writer.add_summary(end)
