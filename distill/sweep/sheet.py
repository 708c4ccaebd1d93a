"""results of a sweep → a CSV file that spreadsheets and pandas read as it is."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from distill.sweep.results import Result, varying_keys
from distill.system.atomic import write_text

FIGURES = {
    "mel_db": "mel_db",
    "onset_db": "onset_db",
    "level_db": "level_db",
    "bits_per_s": "bits_per_s",
    "worst_utilization": "utilization",
    "bitrate_kbps": "bitrate_kbps",
    "epochs": "epochs",
    "elapsed_s": "elapsed_s",
}
"""Heading → the attribute of a Result: the units are in the headings, the cells are numbers."""

NAME = "name"
"""The model's name, which a setting of this name begins: one column for both."""


def write_csv(ranking: Sequence[Result], path: Path) -> None:
    """Write one line for each job, in rank order; what is null or unknown is an empty cell."""
    keys = [key for key in varying_keys(ranking) if key != NAME]
    sheet = io.StringIO()
    writer = csv.writer(sheet, lineterminator="\n")
    last = ("state", "reason", NAME, "bundle", "folder")
    writer.writerow(["rank", "job", *keys, *FIGURES, *last])
    for rank, result in enumerate(ranking, start=1):
        settings = (result.setting(key) for key in keys)
        writer.writerow(
            [
                rank if result.ranked else "",
                result.job.number,
                *("" if text == "null" else text for text in settings),
                *(_figure(result, name) for name in FIGURES.values()),
                result.job.state,
                result.job.reason,
                result.name or result.settings.get(NAME, ""),
                result.bundle,
                result.folder.name,
            ]
        )
    write_text(path, sheet.getvalue())


def _figure(result: Result, name: str) -> float | str:
    value: float | None = getattr(result, name)
    return round(value, 4) if result.ranked and value is not None else ""
