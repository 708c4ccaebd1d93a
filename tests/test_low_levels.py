"""A level that uses too few of its codes is marked wherever its health is shown, by the threshold
of its own run.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from distill.catalog.catalog import Catalog
from distill.codec.description import LevelHealth
from distill.codec.level_health import LevelsHealth, SideHealth
from distill.dashboard.state.models import Models
from distill.dashboard.state.places import Places
from distill.dashboard.state.runs import Runs
from distill.library.view import show_model
from distill.runs.rows import EpochRow, StartRow
from distill.runs.summary import StageSummary
from distill.training.display import show_stage
from tests.helpers.fake_runs import SETTINGS, FakeRun, show_run
from tests.helpers.made_bundle import publish_bundle

LOW_ROWS = LevelsHealth((LevelHealth(0.97, 15.0, 1), LevelHealth(0.2, 2.0, 13)), 500, 16)
SIDE = SideHealth((LevelHealth(0.95, 57.0, 3), LevelHealth(0.45, 20.0, 35)), 2_000, 64, LOW_ROWS)
Printed = Callable[[], str]
Face = Callable[[float, Path, Printed], list[bool]]
"""A threshold, an empty folder, what was printed → whether each level is marked, first those of all
rows."""


def epoch(side: SideHealth) -> EpochRow:
    figures = {"train/loss": 1.0, "val/loss": 1.0}
    return EpochRow("codec", 1, None, figures, {"health": side.report()}, [], 0, 1.0, None)


def rows_while_training(threshold: float, _: Path, __: Printed) -> list[bool]:
    lines = epoch(SIDE).lines(min_utilization=threshold)
    return [line.endswith("   mostly idle") for line in lines if "utilization" in line]


def closing_table(threshold: float, _: Path, printed: Printed) -> list[bool]:
    details = {
        "codebook_size": SIDE.codebook_size,
        "low_codebook_size": LOW_ROWS.codebook_size,
        "bitrate_kbps": 1.0,
        **{f"{side}health": SIDE.snapshot() for side in ("", "val_")},
        **{f"{side}health_positions": SIDE.positions for side in ("", "val_")},
        **{f"{side}low_health_positions": LOW_ROWS.positions for side in ("", "val_")},
    }
    ended = StageSummary("codec", True, "good", 1, 1.0, {}, None, {}, [], 0, details)
    show_stage("kit", ended, is_only=True, min_utilization=threshold)
    return marks_in(printed())


def model_of(threshold: float, folder: Path) -> Catalog:
    """A library of one model, by a run with this threshold."""
    fields = {
        "codebook_health_snapshot": SIDE.snapshot(),
        "training_config": {"health": {"min_utilization": threshold}},
    }
    catalog = Catalog(folder / "library")
    publish_bundle(catalog, "kit", fields=fields)
    return catalog


def library_info(threshold: float, folder: Path, printed: Printed) -> list[bool]:
    catalog = model_of(threshold, folder)
    show_model(catalog.find("kit"), catalog)
    return marks_in(printed())


def page_of_the_model(threshold: float, folder: Path, _: Printed) -> list[bool]:
    places = Places(folder, model_of(threshold, folder).folder)
    value = Models(places).show("")
    assert value is not None
    return marks_of(value["models"][0]["levels"])


def page_of_the_run(threshold: float, folder: Path, _: Printed) -> list[bool]:
    run = FakeRun(folder, alive=True)
    settings = {**SETTINGS, "health": {"min_utilization": threshold}}
    run.write(StartRow(*run.process, False, "kit", ["codec"], settings), epoch(SIDE))
    return marks_of(show_run(Runs(Places(folder, folder / "library")))["levels"]["rows"])


def marks_in(table: str) -> list[bool]:
    """Of rows whose first cell is the level, with its mark."""
    return [bool(mark) for mark in re.findall(r"^│ +(?:low )?\d( mostly idle)? │", table, re.M)]


def marks_of(rows: list[dict[str, Any]]) -> list[bool]:
    for row in rows:
        assert row["mark"] == ("mostly idle" if row["low"] else "")
    return [row["low"] for row in rows]


@pytest.mark.parametrize(
    ("threshold", "low"),
    [
        (0.1, [False, False, False, False]),
        (0.3, [False, False, False, True]),
        (0.5, [False, True, False, True]),
        (0.96, [True, True, False, True]),
    ],
)
@pytest.mark.parametrize(
    "face",
    [rows_while_training, closing_table, library_info, page_of_the_model, page_of_the_run],
    ids=lambda face: face.__name__,
)
def test_a_level_under_the_threshold_of_its_run_is_marked(
    face: Face,
    threshold: float,
    low: list[bool],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert face(threshold, tmp_path, lambda: capsys.readouterr().out) == low


def test_the_page_of_the_run_names_the_sizes_of_both_kinds_of_levels(tmp_path: Path) -> None:
    run = FakeRun(tmp_path, alive=True)
    run.write(StartRow(*run.process, False, "kit", ["codec"], SETTINGS), epoch(SIDE))
    levels = show_run(Runs(Places(tmp_path, tmp_path / "library")))["levels"]
    assert levels["sizes"] == "64 codes each, 16 in the low rows"
    assert [row["level"] for row in levels["rows"]] == ["0", "1", "low 0", "low 1"]


def test_too_little_sound_is_no_mark() -> None:
    few = SideHealth.from_plain({**asdict(SIDE), "levels": SIDE.report()["levels"], "positions": 9})
    lines = epoch(few).lines(min_utilization=0.96)
    assert "only 9 places" in lines[1]
    assert not any("mostly idle" in line for line in lines[:3])
