"""Runs as the dashboard shows them: read from disk alone, whoever started them."""

from __future__ import annotations

import json
import os
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distill.dashboard.state import runs as runs_on_disk
from distill.dashboard.state.places import Places
from distill.dashboard.state.run_view import RunView
from distill.dashboard.state.runs import Runs
from distill.errors import RunError
from distill.runs.folder import lock_run_dir
from distill.runs.rows import Row, StartRow
from distill.system.json_values import without_nan
from distill.system.paths import is_text
from tests.helpers.fake_calls import listen_page
from tests.helpers.fake_runs import REMEDY, FakeRun, show_run
from tests.helpers.rows import ROWS, line_of, mangle


def test_without_runs_there_is_nothing_to_show(runs: Runs) -> None:
    value = runs.show(None, "")
    assert value is not None
    assert (value["runs"], value["run"]) == ([], None)


def test_runs_that_are_not_listed_are_counted(
    places: Places, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs_on_disk, "MOST_LISTED", 2)
    for name in "abc":
        FakeRun(places.outputs, name).start()
        value = runs.show(None, "")
        assert value is not None
    assert (len(value["runs"]), value["earlier"]) == (2, 1)


def test_many_who_look_at_once_share_a_reading(
    places: Places, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With 1,000 runs, each reading takes some milliseconds."""
    FakeRun(places.outputs, "early").start()
    readings: list[RunView] = []
    begun, may_go_on = threading.Event(), threading.Event()

    def update(view: RunView) -> None:
        readings.append(view)
        begun.set()
        may_go_on.wait(30)

    monkeypatch.setattr(RunView, "update", update)
    with ThreadPoolExecutor(9) as tabs:
        first = tabs.submit(runs.show, None, "")
        begun.wait(30)
        FakeRun(places.outputs, "late").start()
        others = [tabs.submit(runs.show, None, "") for _ in range(8)]
        time.sleep(0.2)
        may_go_on.set()
    assert [len(each.result()["runs"]) for each in (first, *others)] == [1, *[2] * 8]
    assert len(readings) == 1 + 2, "the eight looks were one reading of both runs"


@pytest.mark.parametrize(
    ("prepare", "state"),
    [
        (lambda run: run.start(), "preparing"),
        (lambda run: run.start().step(), "training"),
        (lambda run: run.start().step().end(), "finished"),
        (lambda run: run.start().step().end("stopped", "SIGINT"), "stopped"),
        (lambda run: run.start().end("failed", "no sounds"), "failed"),
        (lambda run: run.start().end("stopped").start(resumed=True).step(), "training"),
        (lambda run: run.start().step().cut_last_row(), "training"),
    ],
)
def test_a_run_is_what_its_rows_say(places: Places, runs: Runs, prepare: Any, state: str) -> None:
    prepare(FakeRun(places.outputs, alive=True))
    assert show_run(runs)["state"] == state


def test_a_run_whose_process_is_gone_was_cut_off_and_can_go_on(places: Places, runs: Runs) -> None:
    run = FakeRun(places.outputs).start().step()
    before = show_run(runs)
    assert (before["state"], before["can_go_on"]) == ("cut off", False)
    run.can_be_resumed()
    assert show_run(Runs(places))["can_go_on"]


def test_a_process_with_the_same_number_is_not_the_run(places: Places, runs: Runs) -> None:
    run = FakeRun(places.outputs)
    run.process = (os.getpid(), psutil.Process().create_time() - 3_600)
    run.start().step()
    assert show_run(runs)["state"] == "cut off"


def test_a_run_that_holds_its_lock_is_at_work_though_the_clock_was_set(
    places: Places, runs: Runs
) -> None:
    run = FakeRun(places.outputs)
    run.process = (os.getpid(), psutil.Process().create_time() - 3_600)
    run.start().step()
    with lock_run_dir(run.run_dir):
        assert show_run(runs)["state"] == "training"
    assert show_run(runs)["state"] == "cut off"


def test_stop_is_a_file_and_shows_that_the_run_is_stopping(places: Places, runs: Runs) -> None:
    run = FakeRun(places.outputs, alive=True).start().step()
    runs.stop("train/2026-01-31_14-00-00_kit")
    assert (run.run_dir / "stop").exists()
    value = show_run(runs)
    assert (value["state"], value["can_stop"]) == ("stopping", False)
    run.end("stopped", "stop file")
    with pytest.raises(RunError, match="is not at work"):
        runs.stop("train/2026-01-31_14-00-00_kit")


def test_rows_levels_remedy_and_curves_are_shown(places: Places, runs: Runs) -> None:
    run = (
        FakeRun(places.outputs, alive=True)
        .start()
        .epoch(1)
        .epoch(2, second_level=0.2, news=(REMEDY,))
    )
    value = show_run(runs)
    assert (
        value["sounds"]
        == "kit: 12 files, 6.0 s in all; 11 to train on, 1 held out; left out: 1 not audio"
    )
    assert value["choices"][0] == {
        "key": "codebook size",
        "value": "64",
        "reason": "12 files suggest 64",
    }
    assert value["levels"]["sizes"] == "64 codes each"
    assert [row["low"] for row in value["levels"]["rows"]] == [False, True]
    assert value["warnings"] == [{"epoch": 2, "text": REMEDY, "stage": "codec"}]
    assert [line["label"] for line in value["charts"][0]["lines"]] == [
        "train",
        "validation",
        "reconstruction",
        "commitment",
    ]
    assert value["charts"][0]["lines"][0]["points"] == [[1.0, 1.0], [2.0, 0.5]]
    assert "left in this stage" in value["left"]
    run.stage()
    assert [stage["share"] for stage in show_run(runs)["stages"]] == [1.0, 0.0]


def test_new_sounds_are_shown_while_the_prior_still_learns(places: Places, runs: Runs) -> None:
    run = FakeRun(places.outputs, alive=True).start().step(stage="prior")
    assert show_run(runs)["new_sounds"] == []
    listen_page(run.run_dir / "new_sounds")
    assert [row["name"] for row in show_run(runs)["new_sounds"]] == ["kit_0_001.wav"]


def test_only_what_is_new_is_sent(places: Places, runs: Runs) -> None:
    run = FakeRun(places.outputs, alive=True).start().step()
    value = runs.show(None, "")
    assert value is not None
    assert runs.show(None, value["version"]) is None
    run.epoch(1)
    assert runs.show(None, value["version"]) is not None


def test_epochs_trained_again_after_a_kill_are_drawn_once(places: Places, runs: Runs) -> None:
    run = FakeRun(places.outputs, alive=True).start().epoch(1).epoch(2).epoch(3, news=("old",))
    assert show_run(runs)["charts"][0]["epochs"] == 3
    run.start(resumed=True).epoch(2).epoch(3)
    value = show_run(runs)
    assert value["charts"][0]["epochs"] == 3
    assert value["warnings"] == []


def test_a_long_run_is_thinned_to_what_a_screen_shows(places: Places, runs: Runs) -> None:
    run = FakeRun(places.outputs, alive=True).start()
    for number in range(1, 1_001):
        run.epoch(number)
    (chart,) = show_run(runs)["charts"]
    assert chart["epochs"] == 1_000
    assert len(chart["lines"][0]["points"]) <= 240
    assert chart["lines"][0]["points"][-1][0] == 1_000


def test_runs_of_sweeps_and_of_a_terminal_are_there_those_at_work_first(
    places: Places, runs: Runs
) -> None:
    FakeRun(places.outputs, "2026-01-31_15-00-00_done").start(name="done").end()
    FakeRun(places.outputs, "2026-01-31_14-00-00_0", alive=True, folder="multirun/sweep").start(
        name="swept"
    ).step()
    (places.outputs / "train" / "not a run").mkdir()
    value = runs.show(None, "")
    assert value is not None
    assert [(each["name"], each["state"]) for each in value["runs"]] == [
        ("swept", "training"),
        ("done", "finished"),
    ]
    assert show_run(runs, "train/2026-01-31_15-00-00_done")["name"] == "done"


@pytest.mark.parametrize("run", ["train/../x", "/etc", "", "..", "train/none"])
def test_only_runs_that_are_listed_can_be_asked_for(places: Places, runs: Runs, run: str) -> None:
    FakeRun(places.outputs, alive=True).start()
    with pytest.raises(RunError, match="no such run"):
        runs.stop(run)


def test_hostile_names_are_plain_text(places: Places, runs: Runs) -> None:
    name = "<img src=x onerror=alert(1)>\x1b[31m\u202e"
    FakeRun(places.outputs, alive=True).start(name=name).step()
    assert show_run(runs)["name"] == "<img src=x onerror=alert(1)>\ufffd[31m\ufffd"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b"{}\n[]\nnull\n1\n",
        b'{"event": "epoch"}\n',
        b'{"event": "start", "settings": 3, "pid": "x", "stages": 7}\n',
        b'{"event": "epoch", "stage": 5, "epoch": 1, "figures": {"train/loss": "x"}, "news": 3}\n',
        b'{"event": "start"}\n{"event": "end", "reason": [1], "detail": {}, "published": 4}\n',
        b"\xff\xfe\n",
        b'{"event": "sounds", "time_s": NaN, "name": "\\ud83d"}\n',
        b'{"event": "sounds", "time_s": 1e999, "left_out": 4}\n',
        b'{"event": "start", "settings": {"data": 5}, "stages": ["\\ud83d"], '
        b'"pid": 1e30, "pid_started_s": 1}\n',
        b'{"event": "epoch", "stage": "codec", "epoch": 1000000000000, "figures": {}}\n',
    ],
)
def test_rows_that_nobody_wrote_are_no_reason_to_fail(
    places: Places, runs: Runs, content: bytes
) -> None:
    run = FakeRun(places.outputs)
    (run.run_dir / "progress.jsonl").write_bytes(content)
    value = runs.show(None, "")
    assert value is not None
    assert len(value["runs"]) == 1
    json.dumps(without_nan(value), allow_nan=False)
    run.start().step()
    assert show_run(runs)["sentence"], "what distill writes after it is shown"


@settings(deadline=None, max_examples=30)
@given(st.lists(st.sampled_from([*ROWS]), max_size=5), st.data())
def test_a_page_survives_whatever_stands_in_the_rows(
    kinds: list[type[Row]], data: st.DataObject
) -> None:
    own = os.getpid(), psutil.Process().create_time()
    lines = [line_of(StartRow(*own, False, None, ["codec"], {}))]
    for kind in kinds:
        row = data.draw(ROWS[kind])
        lines.append(mangle(row, data) if data.draw(st.booleans()) else line_of(row))
    with tempfile.TemporaryDirectory() as name:
        places = Places(Path(name), Path(name) / "library")
        run = FakeRun(places.outputs)
        (run.run_dir / "progress.jsonl").write_text("\n".join([*lines, ""]))
        json.dumps(without_nan(Runs(places).show(None, "")), allow_nan=False)


def test_one_damaged_run_does_not_hide_the_others(places: Places, runs: Runs) -> None:
    FakeRun(places.outputs, alive=True).start().step()
    (places.trained / "damaged" / "progress.jsonl").mkdir(parents=True)
    os.makedirs(os.fsencode(places.trained) + b"/k\xe9k")
    value = runs.show(None, "")
    assert value is not None
    assert value["runs"][0]["name"] == "kit"
    assert all(is_text(each["id"]) for each in value["runs"])
