"""A sweep's folder is enough to say which run was best and what became of the others."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from distill.errors import DistillError
from distill.sweep.job import DONE, FAILED, RUNNING, STOPPED
from distill.sweep.results import results, swept_keys
from tests.helpers.sweeps import add
from tests.helpers.verbs import Run


def test_the_lowest_error_comes_first_and_ties_go_to_the_healthier(tmp_path: Path) -> None:
    add(tmp_path, 0, 3.0)
    add(tmp_path, 1, 2.0, utilization=(0.4,))
    add(tmp_path, 2, 2.0)
    add(tmp_path, 3, 2.0, bitrate_kbps=0.5)
    assert [result.job.number for result in results(tmp_path)] == [3, 2, 1, 0]


def test_only_what_differs_gets_a_column(tmp_path: Path) -> None:
    add(tmp_path, 0, 3.0)
    add(tmp_path, 1, 2.0)
    assert swept_keys(results(tmp_path)) == ["rvq.levels"]


def test_jobs_without_a_model_are_listed_with_their_reason(here: Path, run: Run) -> None:
    folder = here / "sweep"
    add(folder, 0, 3.0)
    add(folder, 1, None, state=FAILED, reason="rvq.levels=99: must be a whole number")
    add(folder, 2, None, state=RUNNING)
    out = run("leaderboard", folder).stdout
    assert "job 1 (rvq.levels=2): failed: rvq.levels=99: must be a whole number" in out
    assert "job 2 (rvq.levels=3): killed" in out
    rows = list(csv.DictReader((folder / "leaderboard.csv").open()))
    assert [row["rank"] for row in rows] == ["1", "", ""]
    assert rows[0]["mel_db"] == "3.0"
    assert rows[0]["onset_db"] == rows[0]["level_db"] == ""
    assert (folder / "leaderboard.png").read_bytes().startswith(b"\x89PNG")


def test_what_is_heard_stands_beside_the_error(here: Path, run: Run) -> None:
    """Of the epoch with the lowest error."""
    best = {"val/mel_db": 2.0, "val/onset_db": 4.5678, "val/level_db": -1.25}
    add(here / "sweep", 0, 2.0, best=best)
    out = run("leaderboard", "sweep").stdout
    assert re.search(r"2\.00 dB . *4\.57 dB . *-1\.2 dB", out)
    (row,) = csv.DictReader((here / "sweep" / "leaderboard.csv").open())
    assert (row["onset_db"], row["level_db"]) == ("4.5678", "-1.25")


def test_a_sweep_in_which_all_failed_has_no_picture(here: Path, run: Run) -> None:
    add(here / "sweep", 0, None, state=FAILED, reason="no")
    assert "failed: no" in run("leaderboard", "sweep").stdout
    assert not (here / "sweep" / "leaderboard.png").exists()


def test_another_folder_is_refused_in_one_line(here: Path, run: Run) -> None:
    run("leaderboard", ".").is_mistake("not the folder of a sweep")


def test_names_cannot_command_the_terminal(here: Path, run: Run) -> None:
    add(here / "sweep", 0, 1.0, name="\x1b[2J", overrides=["name=\x1b[2J"], published=None)
    add(here / "sweep", 1, None, state=FAILED, reason="\x1b[31m", overrides=["name=b"])
    assert "\x1b" not in run("leaderboard", "sweep").stdout


def test_a_record_that_cannot_be_read_is_a_line(tmp_path: Path) -> None:
    (add(tmp_path, 0, None) / "job.json").write_text("{")
    (result,) = results(tmp_path)
    assert "cannot be read" in result.job.reason


def test_a_summary_that_distill_did_not_write_is_a_run_without_figures(tmp_path: Path) -> None:
    add(tmp_path, 0, 2.0)
    (add(tmp_path, 1, 1.0) / "summary.json").write_text('{"stages": {"codec": {"best": 7}}}')
    assert [result.job.number for result in results(tmp_path)] == [0, 1]
    assert [result.ranked for result in results(tmp_path)] == [True, False]


def test_a_stopped_job_that_was_gone_on_with_is_done(tmp_path: Path) -> None:
    add(tmp_path, 0, 2.0, state=STOPPED, reason="what it had is saved", finished=True)
    add(tmp_path, 1, 3.0, state=STOPPED, reason="what it had is saved", finished=False)
    assert [result.job.state for result in results(tmp_path)] == [DONE, STOPPED]


def test_an_empty_folder_is_no_sweep(tmp_path: Path) -> None:
    with pytest.raises(DistillError, match="not the folder of a sweep"):
        results(tmp_path)
