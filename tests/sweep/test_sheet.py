"""A sweep's CSV file: each setting that differs, read as numbers by whatever reads tables."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from rich.cells import cell_len

from distill.sweep.job import FAILED
from distill.sweep.leaderboard import make_leaderboard
from distill.system.terminal import console
from tests.helpers.sweeps import add
from tests.helpers.verbs import Run

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
"""What pandas takes for a number by itself."""
Row = dict[str, str]


def add_runs(folder: Path) -> None:
    """Two kinds of vocoder, one with an experiment that changes the minutes; one job failed."""
    shared = {"seed": 3, "stages": ["codec", "vocoder"]}
    for number, (vocoder, experiment, minutes, size, starter) in enumerate(
        [
            ("phase_gradient", "quick", 1.0, 256, {"starter": "synthesised"}),
            ("hifigan_v2", "best", 60.0, 1_000, {"spectral_steps": 5000}),
        ]
    ):
        add(
            folder,
            number,
            2.0 + number,
            overrides=[
                f"vocoder={vocoder}",
                f"experiment={experiment}",
                "rvq.codebook_size=null" if number == 0 else "rvq.codebook_size=1_000",
                f"name='Käfer, \"{number}\"'",
            ],
            name=f'Käfer, "{number}"',
            settings={
                **shared,
                "name": f"kit-{number}",
                "rvq": {"codebook_size": size, "levels": 3},
                "trainer": {"max_minutes": minutes, "max_epochs": None if number else 40},
                "prior": {"max_minutes": minutes},
                "vocoder": {"type": vocoder, "lr": 1e-05 * (1 + number), **starter},
            },
        )
    words = ["vocoder=phase_gradient", "experiment=quick", "rvq.codebook_size=1", "name=x"]
    add(folder, 2, None, state=FAILED, reason='no,\n"room"', overrides=words)


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    """The CSV file of these runs."""
    add_runs(tmp_path)
    return make_leaderboard(tmp_path).csv


def rows_of(sheet: Path) -> list[Row]:
    return list(csv.DictReader(sheet.open(encoding="utf-8", newline="")))


def test_each_setting_that_differs_has_a_column(sheet: Path) -> None:
    """Typed, or from a file of a group, or chosen by the run; not what is alike."""
    first, second, failed = rows_of(sheet)
    columns = list(first)
    typed = ["vocoder", "experiment", "rvq.codebook_size"]
    assert columns[: 2 + len(typed)] == ["rank", "job", *typed]
    assert [first["trainer.max_minutes"], second["trainer.max_minutes"]] == ["1.0", "60.0"]
    assert "vocoder.type" not in columns, "its group says the same"
    assert [first["vocoder.spectral_steps"], second["vocoder.spectral_steps"]] == ["", "5000"]
    assert [first["trainer.max_epochs"], second["trainer.max_epochs"]] == ["40", ""]
    assert [row["rvq.codebook_size"] for row in (first, second, failed)] == ["256", "1000", "1"]
    assert failed["trainer.max_minutes"] == ""
    assert not {"rvq.levels", "stages", "seed"} & {*columns}
    assert "prior.max_minutes" not in columns, "none of them has a prior"


def test_a_table_reader_finds_numbers_without_help(sheet: Path) -> None:
    """As pandas.read_csv infers: a column is of numbers if each cell is one, or empty."""
    raw = sheet.read_bytes()
    assert not raw.startswith((b"#", b"\xef\xbb\xbf"))
    text = raw.decode("utf-8")
    with sheet.open(encoding="utf-8", newline="") as file:
        lines = list(csv.reader(file))
    assert len(lines) == 4, "a heading and the jobs"
    assert len({len(line) for line in lines}) == 1
    assert len(set(lines[0])) == len(lines[0])
    assert "Käfer" in text
    columns = dict(zip(lines[0], zip(*lines[1:], strict=True), strict=True))
    numbers = {
        name
        for name, cells in columns.items()
        if any(cells) and all(not cell or NUMBER.fullmatch(cell) for cell in cells)
    }
    assert numbers >= {
        *("rank", "job", "rvq.codebook_size", "trainer.max_minutes", "trainer.max_epochs"),
        *("vocoder.lr", "vocoder.spectral_steps", "mel_db", "worst_utilization", "bitrate_kbps"),
        *("epochs", "elapsed_s"),
    }
    assert not numbers & {"vocoder", "experiment", "name", "state", "reason"}


@pytest.mark.parametrize("is_terminal", [True, False])
@pytest.mark.parametrize("width", [120, 400])
def test_the_terminal_shows_as_many_of_them_as_fit(
    sheet: Path,
    width: int,
    is_terminal: bool,
    here: Path,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = {"_width": width, "_force_terminal": is_terminal, "soft_wrap": False}
    for name, value in {**screen, "_color_system": None}.items():
        monkeypatch.setattr(console, name, value)
    out = run("leaderboard", sheet.parent).stdout
    lines = [line for line in out.splitlines() if is_terminal or line.startswith("│")]
    table = [line for line in lines if "job 2" not in line and "/" not in line]
    assert max(map(cell_len, table)) <= width
    assert ("they also differ in" in out) == (width < 400)
    assert ("spectral_steps" in out.split("they also")[0]) == (width == 400)
