"""Runs as the dashboard shows them: read from disk alone, whoever started them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from distill.dashboard.places import Places
from distill.dashboard.run_view import log_of, note_of
from distill.dashboard.runs import Runs, Wish
from distill.errors import RunError
from tests.helpers.fake_runs import REMEDY, FakeRun


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "outputs", tmp_path / "library")


@pytest.fixture
def runs(places: Places) -> Runs:
    return Runs(places)


def shown(runs: Runs, run: str | None = None) -> dict[str, Any]:
    value = runs.show(run, "")
    assert value is not None
    return dict(value["run"])


def test_without_runs_there_is_nothing_to_show(runs: Runs) -> None:
    value = runs.show(None, "")
    assert value is not None
    assert (value["runs"], value["run"]) == ([], None)


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
    assert shown(runs)["state"] == state


def test_a_run_whose_process_is_gone_was_cut_off_and_can_go_on(places: Places, runs: Runs) -> None:
    run = FakeRun(places.outputs).start().step()
    before = shown(runs)
    assert (before["state"], before["can_go_on"]) == ("cut off", False)
    run.can_be_resumed()
    assert shown(Runs(places))["can_go_on"]


def test_a_process_with_the_same_number_is_not_the_run(places: Places, runs: Runs) -> None:
    run = FakeRun(places.outputs)
    run.process = (os.getpid(), psutil.Process().create_time() - 3_600)
    run.start().step()
    assert shown(runs)["state"] == "cut off"


def test_stop_is_a_file_and_shows_that_the_run_is_stopping(places: Places, runs: Runs) -> None:
    run = FakeRun(places.outputs, alive=True).start().step()
    runs.stop("train/2026-01-31_14-00-00_kit")
    assert (run.run_dir / "stop").exists()
    value = shown(runs)
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
    value = shown(runs)
    assert (
        value["sounds"]
        == "kit: 12 files, 6.0 s in all; 11 to train on, 1 held out; left out: 1 not audio"
    )
    assert value["choices"][0] == {
        "key": "codebook size",
        "value": "64",
        "reason": "12 files suggest 64",
    }
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
    assert [stage["share"] for stage in shown(runs)["stages"]] == [1.0, 0.0]


def test_only_what_is_new_is_sent(places: Places, runs: Runs) -> None:
    run = FakeRun(places.outputs, alive=True).start().step()
    value = runs.show(None, "")
    assert value is not None
    assert runs.show(None, value["version"]) is None
    run.epoch(1)
    assert runs.show(None, value["version"]) is not None


def test_epochs_trained_again_after_a_kill_are_drawn_once(places: Places, runs: Runs) -> None:
    run = FakeRun(places.outputs, alive=True).start().epoch(1).epoch(2).epoch(3, news=("old",))
    assert shown(runs)["charts"][0]["epochs"] == 3
    run.start(resumed=True).epoch(2).epoch(3)
    value = shown(runs)
    assert value["charts"][0]["epochs"] == 3
    assert value["warnings"] == []


def test_a_long_run_is_thinned_to_what_a_screen_shows(places: Places, runs: Runs) -> None:
    run = FakeRun(places.outputs, alive=True).start()
    for number in range(1, 1_001):
        run.epoch(number)
    (chart,) = shown(runs)["charts"]
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
    assert shown(runs, "train/2026-01-31_15-00-00_done")["name"] == "done"


@pytest.mark.parametrize("run", ["train/../x", "/etc", "", "..", "train/none"])
def test_only_runs_that_are_listed_can_be_asked_for(places: Places, runs: Runs, run: str) -> None:
    FakeRun(places.outputs, alive=True).start()
    with pytest.raises(RunError, match="no such run"):
        runs.stop(run)


def test_the_same_sounds_are_not_trained_on_twice_at_once(
    places: Places, runs: Runs, sounds: Path
) -> None:
    FakeRun(places.outputs, alive=True).start(root=[str(sounds)]).step()
    with pytest.raises(RunError, match="kit trains on these sounds already"):
        runs.start(Wish(str(sounds)))
    FakeRun(places.outputs, "demo", alive=True).start(root=None).step()
    with pytest.raises(RunError, match="kit trains on these sounds"):
        runs.start(Wish(""))


def test_a_run_at_work_or_complete_does_not_go_on(places: Places, runs: Runs) -> None:
    run = FakeRun(places.outputs, alive=True).start().step().can_be_resumed()
    with pytest.raises(RunError, match="is at work already"):
        runs.go_on("train/2026-01-31_14-00-00_kit")
    run.end()
    with pytest.raises(RunError, match="is complete"):
        runs.go_on("train/2026-01-31_14-00-00_kit")


def test_a_missing_folder_is_told_before_anything_is_made(places: Places, runs: Runs) -> None:
    with pytest.raises(RunError, match="no such folder"):
        runs.start(Wish("/no/such folder"))
    with pytest.raises(RunError, match="is a file; choose its folder"):
        runs.start(Wish(__file__))
    assert not (places.outputs / "train").exists()


def test_a_start_that_fails_says_why(places: Places, runs: Runs) -> None:
    run_dir = places.trained / "2026-01-31_14-00-00_kit"
    run_dir.mkdir(parents=True)
    run = "train/2026-01-31_14-00-00_kit"
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    note = {
        "pid": process.pid,
        "pid_started_s": psutil.Process(process.pid).create_time(),
        "words": ["distill.train", "/sounds"],
    }
    note_of(places, run).parent.mkdir(parents=True)
    note_of(places, run).write_text(json.dumps(note))
    assert shown(runs)["state"] == "starting"
    process.kill()
    process.wait()
    log_of(places, run).write_text("distill: rvq.levels=9: must be from 1 to 8\n")
    value = shown(runs)
    assert (value["state"], value["error"]) == ("failed", "rvq.levels=9: must be from 1 to 8")


def test_words_of_a_start(places: Places, tmp_path: Path) -> None:
    wish = Wish(
        "/my sounds",
        levels=4,
        commitment_weight=0.3,
        minutes=1.5,
        stages=("codec", "prior"),
        name="a=b, c",
    )
    words = wish.words(places, tmp_path / "run")
    assert words[:2] == ["distill.train", "/my sounds"]
    assert {
        "rvq.levels=4",
        "model.commitment_weight=0.3",
        "trainer.max_minutes=1.5",
        "prior.max_minutes=1.5",
        "stages=[codec,prior]",
        "name=a=b, c",
        f"hydra.run.dir={tmp_path / 'run'}",
    } <= set(words)
    assert not any(word.startswith(("trainer.max_epochs", "optimizer.lr")) for word in words)


def test_hostile_names_are_plain_text(places: Places, runs: Runs) -> None:
    name = "<img src=x onerror=alert(1)>\x1b[31m\u202e"
    FakeRun(places.outputs, alive=True).start(name=name).step()
    assert shown(runs)["name"] == "<img src=x onerror=alert(1)>\ufffd[31m\ufffd"


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


@pytest.mark.slow
def test_a_run_from_the_page_goes_through_its_states(
    places: Places, runs: Runs, sounds: Path
) -> None:
    run = runs.start(Wish(str(sounds), minutes=0.05, stages=("codec",), name="Klänge (ü), =1"))
    assert shown(runs)["state"] in ("starting", "reading the sounds")
    with pytest.raises(RunError, match="already"):
        runs.start(Wish(str(sounds)))
    states = set()
    for _ in range(600):
        states.add(shown(runs, run)["state"])
        if not runs.find(run).state.is_active:
            break
        time.sleep(0.2)
    value = shown(runs, run)
    assert value["state"] == "finished", value
    assert value["name"] == "Klänge (ü), =1"
    assert "training" in states
    assert value["model"]["file"] in {path.name for path in places.library.iterdir()}
    assert value["previews"]["rows"]
