"""Runs that are started, and continued, from the page."""

from __future__ import annotations

import json
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
from tests.helpers.fake_runs import FakeRun


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
