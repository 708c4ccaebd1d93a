"""`summary.json` of a run: what is written comes back by its types, and nothing else does."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from distill.runs.summary import read_summary, stages_ended
from distill.system.run_parts import SUMMARY
from tests.helpers.summaries import run_summary, stage_summary

CODEC = stage_summary("codec", details={"bitrate_kbps": 1.5, "health": {"level_0": {}}})


def change(path: Path, **changes: Any) -> None:
    """Write other values into the file."""
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_summary_comes_back_as_it_was_written(tmp_path: Path) -> None:
    summary = run_summary(CODEC, page="listen.html")
    summary.write(tmp_path)
    assert read_summary(tmp_path) == summary
    assert json.loads((tmp_path / SUMMARY).read_text())["stages"]["codec"]["bitrate_kbps"] == 1.5


def test_what_is_not_a_number_comes_back_as_that(tmp_path: Path) -> None:
    run_summary(stage_summary("codec", best={"val/loss": math.nan})).write(tmp_path)
    assert json.loads((tmp_path / SUMMARY).read_text())["stages"]["codec"]["best"] == {
        "val/loss": None
    }
    assert math.isnan(stages_ended(tmp_path)["codec"].best["val/loss"])


def test_what_earlier_stages_were_stays(tmp_path: Path) -> None:
    run_summary(CODEC).write(tmp_path)
    again = stage_summary("codec", verdict="stopped")
    run_summary(stage_summary("prior")).write(tmp_path)
    assert stages_ended(tmp_path) == {"codec": CODEC, "prior": stage_summary("prior")}
    run_summary(again).write(tmp_path)
    assert stages_ended(tmp_path)["codec"] == again


def test_pages_that_an_older_distill_did_not_name_are_none(tmp_path: Path) -> None:
    run_summary(CODEC).write(tmp_path)
    values = json.loads((tmp_path / SUMMARY).read_text())
    del values["page"], values["new_sounds_page"]
    (tmp_path / SUMMARY).write_text(json.dumps(values))
    assert read_summary(tmp_path) == run_summary(CODEC)


@pytest.mark.parametrize(
    "changes",
    [
        {"stages": 5},
        {"stages": {"codec": 5}},
        {"stages": {"codec": {"best": "low"}}},
        {"next_commands": [5]},
        {"next_commands": "python"},
        {"published": 4},
        {"finished": None},
    ],
)
def test_what_distill_did_not_write_is_no_summary(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    run_summary(CODEC).write(tmp_path)
    change(tmp_path / SUMMARY, **changes)
    assert read_summary(tmp_path) is None
    assert stages_ended(tmp_path) == {}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"5", b"\xff", b"[" * 100_000])
def test_a_damaged_file_is_no_summary(tmp_path: Path, content: bytes) -> None:
    assert read_summary(tmp_path) is None
    (tmp_path / SUMMARY).write_bytes(content)
    assert read_summary(tmp_path) is None
