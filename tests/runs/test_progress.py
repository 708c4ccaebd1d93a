"""rows of a run → lines that a reader in another process can trust."""

from __future__ import annotations

import json
import math
import os
import time
from pathlib import Path

import psutil

from distill.runs.progress import ProgressFile, read_progress, read_row
from distill.runs.rows import ChoiceRow, EndRow, EpochRow, SoundsRow, StageRow, StartRow
from distill.system.json_values import without_nan
from distill.system.run_parts import PROGRESS
from tests.helpers.runs import Train


def test_rows_come_back_in_order(tmp_path: Path) -> None:
    file = ProgressFile(tmp_path)
    file.write(ChoiceRow("codec", "codebook size", 256, "because"))
    file.write(EndRow("finished"))
    assert [row.event for row in read_progress(tmp_path)] == ["choice", "end"]
    assert read_progress(tmp_path / "nowhere") == []


def test_a_line_cut_off_by_a_kill_costs_that_line_only(tmp_path: Path) -> None:
    ProgressFile(tmp_path).write(EndRow("stopped"))
    whole = (tmp_path / PROGRESS).read_bytes()
    (tmp_path / PROGRESS).write_bytes(whole + whole[:20])
    assert len(read_progress(tmp_path)) == 1
    ProgressFile(tmp_path).write(EndRow("finished"))
    assert read_progress(tmp_path) == [EndRow("stopped"), EndRow("finished")]


def test_what_is_not_a_number_is_null(tmp_path: Path) -> None:
    figures = {"train/loss": math.nan, "val/loss": math.inf}
    row = EpochRow("codec", 1, None, figures, {}, [], 0, 1.0, None)
    ProgressFile(tmp_path).write(row)
    line = (tmp_path / PROGRESS).read_text()
    assert json.loads(line)["figures"] == {"train/loss": None, "val/loss": None}
    (written,) = read_progress(tmp_path)
    assert isinstance(written, EpochRow)
    assert all(math.isnan(figure) for figure in written.figures.values())


def test_a_row_knows_when_it_was_written(tmp_path: Path) -> None:
    before_s = time.time()
    ProgressFile(tmp_path).write(EndRow("finished"))
    written = read_row((tmp_path / PROGRESS).read_bytes())
    assert written is not None
    assert before_s - 0.01 <= written.time_s <= time.time() + 0.01


def test_names_that_are_no_unicode_are_written_all_the_same(tmp_path: Path) -> None:
    ProgressFile(tmp_path).write(EndRow("failed", "kl\udcfcnge/1.wav: gone"))
    assert read_progress(tmp_path) == [EndRow("failed", "kl\udcfcnge/1.wav: gone")]


def test_a_full_disk_is_reported_once(tmp_path: Path, caplog: object) -> None:
    file = ProgressFile(tmp_path / "gone")
    for _ in range(3):
        file.write(EndRow("finished"))
    lines = [r for r in caplog.records if "cannot be written any more" in r.getMessage()]  # type: ignore[attr-defined]
    assert len(lines) == 1


def test_a_run_leaves_all_that_a_dashboard_shows(sounds: Path, train_here: Train) -> None:
    run_dir = train_here("run", "data.root=sounds", "rvq.codebook_size=null")
    rows = read_progress(run_dir)
    events = [row.event for row in rows]
    assert events.index("sounds") < events.index("choice") < events.index("epoch")
    start, stage, end = rows[0], *rows[-2:]
    assert isinstance(start, StartRow)
    assert start.pid == os.getpid()
    assert abs(start.pid_started_s - psutil.Process().create_time()) < 1
    assert start.setting("rvq", "levels") == 2
    assert start.roots == ["sounds"]
    (read,) = (row for row in rows if isinstance(row, SoundsRow))
    assert read.files == read.train + read.held_out == 12
    choices = [row for row in rows if isinstance(row, ChoiceRow)]
    (size,) = (row for row in choices if row.key == "codebook size")
    assert size.value == 32
    assert "12 files suggest 64" in size.reason
    last = [row for row in rows if isinstance(row, EpochRow)][-1]
    assert last.epoch == last.epochs == 2
    assert {"train/loss", "train/commitment", "val/loss", "val/mel_db"} <= last.figures.keys()
    assert last.health is not None
    assert len(last.health.levels) == 2
    assert last.elapsed_s > 0
    assert isinstance(stage, StageRow)
    assert isinstance(end, EndRow)
    summary = json.loads((run_dir / "summary.json").read_text())
    assert without_nan(stage.summary.to_json()) == summary["stages"]["codec"]
    assert end.published == summary["published"]
    assert len(rows) == len((run_dir / PROGRESS).read_bytes().splitlines()), "all are read again"
