"""rows of a run → lines that a reader in another process can trust."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import psutil

from distill.runs.progress import NAME, ProgressFile, read_progress
from distill.runs.rows import ChoiceRow, EndRow, EpochRow
from tests.helpers.runs import Train


def test_rows_come_back_in_order(tmp_path: Path) -> None:
    file = ProgressFile(tmp_path)
    file.write(ChoiceRow("codec", "codebook size", 256, "because"))
    file.write(EndRow("finished"))
    assert [row["event"] for row in read_progress(tmp_path)] == ["choice", "end"]
    assert read_progress(tmp_path / "nowhere") == []


def test_a_line_cut_off_by_a_kill_costs_that_line_only(tmp_path: Path) -> None:
    ProgressFile(tmp_path).write(EndRow("stopped"))
    whole = (tmp_path / NAME).read_bytes()
    (tmp_path / NAME).write_bytes(whole + whole[:20])
    assert len(read_progress(tmp_path)) == 1
    ProgressFile(tmp_path).write(EndRow("finished"))
    assert [row["reason"] for row in read_progress(tmp_path)] == ["stopped", "finished"]


def test_what_is_not_a_number_is_null(tmp_path: Path) -> None:
    figures = {"train/loss": math.nan, "val/loss": math.inf}
    row = EpochRow("codec", 1, None, figures, {}, [], 0, 1.0, None)
    ProgressFile(tmp_path).write(row)
    (written,) = read_progress(tmp_path)
    assert written["figures"] == {"train/loss": None, "val/loss": None}


def test_names_that_are_no_unicode_are_written_all_the_same(tmp_path: Path) -> None:
    ProgressFile(tmp_path).write(EndRow("failed", "kl\udcfcnge/1.wav: gone"))
    assert read_progress(tmp_path)[0]["detail"] == "kl\udcfcnge/1.wav: gone"


def test_a_full_disk_is_reported_once(tmp_path: Path, caplog: object) -> None:
    file = ProgressFile(tmp_path / "gone")
    for _ in range(3):
        file.write(EndRow("finished"))
    lines = [r for r in caplog.records if "cannot be written any more" in r.getMessage()]  # type: ignore[attr-defined]
    assert len(lines) == 1


def test_a_run_leaves_all_that_a_dashboard_shows(sounds: Path, train_here: Train) -> None:
    run_dir = train_here("run", "data.root=sounds", "rvq.codebook_size=null")
    rows = read_progress(run_dir)
    events = [row["event"] for row in rows]
    assert events[0] == "start"
    assert events.index("sounds") < events.index("choice") < events.index("epoch")
    assert events[-2:] == ["stage", "end"]
    start = rows[0]
    assert start["pid"] == os.getpid()
    assert abs(start["pid_started_s"] - psutil.Process().create_time()) < 1
    assert start["settings"]["rvq"]["levels"] == 2
    (sounds_row,) = (row for row in rows if row["event"] == "sounds")
    assert sounds_row["files"] == 12
    assert sounds_row["train"] + sounds_row["held_out"] == 12
    (size,) = (row for row in rows if row["event"] == "choice" and row["key"] == "codebook size")
    assert size["value"] == 32
    assert "12 files suggest 64" in size["reason"]
    last = [row for row in rows if row["event"] == "epoch"][-1]
    assert last["epoch"] == last["epochs"] == 2
    assert {"train/loss", "train/commitment", "val/loss", "val/mel_db"} <= last["figures"].keys()
    levels = last["details"]["health"]["levels"]
    assert [set(level) for level in levels] == 2 * [{"utilization", "perplexity", "dead_codes"}]
    assert last["elapsed_s"] > 0
    summary = json.loads((run_dir / "summary.json").read_text())
    assert rows[-2]["summary"] == summary["stages"]["codec"]
    assert rows[-1]["published"] == summary["published"]
