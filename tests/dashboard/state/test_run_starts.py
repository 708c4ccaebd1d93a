"""Runs that are started, and continued, from the page."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from distill.dashboard.state import processes
from distill.dashboard.state import runs as state_of_runs
from distill.dashboard.state.places import Places
from distill.dashboard.state.runs import RunRequest, Runs
from distill.errors import RunError
from tests.helpers.fake_runs import GONE, FakeRun, show_run


def test_the_same_sounds_are_not_trained_on_twice_at_once(
    places: Places, runs: Runs, sounds: Path
) -> None:
    FakeRun(places.outputs, alive=True).start(root=[str(sounds)]).step()
    with pytest.raises(RunError, match="kit trains on these sounds already"):
        runs.start(RunRequest(str(sounds)))
    FakeRun(places.outputs, "demo", alive=True).start(root=None).step()
    with pytest.raises(RunError, match="kit trains on these sounds"):
        runs.start(RunRequest(""))


def test_two_clicks_are_one_run(
    places: Places, runs: Runs, sounds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(words: list[str], note: Path, **_: Any) -> None:
        note.write_text(json.dumps({"pid": 1, "pid_started_s": 0.0, "words": words}))

    monkeypatch.setattr("distill.dashboard.state.runs.start_verb", start)
    run = runs.start(RunRequest(str(sounds)))
    assert runs.start(RunRequest(f" {sounds}/")) == run
    assert runs.start(RunRequest(str(sounds), levels=2)) != run


def test_a_run_at_work_or_complete_does_not_go_on(places: Places, runs: Runs) -> None:
    run = FakeRun(places.outputs, alive=True).start().step().can_be_resumed()
    with pytest.raises(RunError, match="is at work already"):
        runs.go_on("train/2026-01-31_14-00-00_kit")
    run.end()
    with pytest.raises(RunError, match="is complete"):
        runs.go_on("train/2026-01-31_14-00-00_kit")


def test_a_run_goes_on_with_its_sounds_in_another_folder(
    places: Places, runs: Runs, sounds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And writes to the folders of this dashboard, wherever it was begun."""
    begun: list[list[str]] = []
    monkeypatch.setattr(state_of_runs, "start_verb", lambda words, **_: begun.append(words))
    FakeRun(places.outputs).start(root=["/old/sounds"]).step().end("stopped").can_be_resumed()
    run = "train/2026-01-31_14-00-00_kit"
    assert show_run(runs)["sounds_gone"] == "/old/sounds"
    with pytest.raises(RunError, match="/old/sounds: the sounds of this run are not there any"):
        runs.go_on(run)
    with pytest.raises(RunError, match="no such folder"):
        runs.go_on(run, "/neither here")
    runs.go_on(run, f" {sounds} ")
    resume = f"resume={places.trained / '2026-01-31_14-00-00_kit'}"
    library, cache = places.library, places.outputs / "cache"
    own = [f"library.dir='{library}'", f"data.cache_dir='{cache}'"]
    assert begun == [["distill.train", str(sounds), resume, *own]]


def test_a_missing_folder_is_told_before_anything_is_made(places: Places, runs: Runs) -> None:
    with pytest.raises(RunError, match="no such folder"):
        runs.start(RunRequest("/no/such folder"))
    with pytest.raises(RunError, match="is a file; choose its folder"):
        runs.start(RunRequest(__file__))
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
    places.note_of(run).parent.mkdir(parents=True)
    places.note_of(run).write_text(json.dumps(note))
    assert show_run(runs)["state"] == "starting"
    process.kill()
    process.wait()
    places.log_of(run).write_text("distill: rvq.levels=9: must be from 1 to 8\n")
    value = show_run(runs)
    assert (value["state"], value["error"]) == ("failed", "rvq.levels=9: must be from 1 to 8")


def test_words_of_a_start(places: Places, tmp_path: Path) -> None:
    request = RunRequest(
        "/my sounds",
        levels=4,
        commitment_weight=0.3,
        minutes=1.5,
        stages=("codec", "prior"),
        name="a=b, c",
    )
    words = request.words(places, tmp_path / "run", ["/my sounds", "/others"])
    assert words[:3] == ["distill.train", "/my sounds", "/others"]
    assert {
        "rvq.levels=4",
        "model.commitment_weight=0.3",
        "minutes=1.5",
        "stages=[codec,prior]",
        "name='a=b, c'",
        f"hydra.run.dir='{tmp_path / 'run'}'",
    } <= set(words)
    assert not any(word.startswith(("trainer.max_epochs", "optimizer.lr")) for word in words)


def test_the_same_sounds_by_another_path_are_the_same(
    places: Places, runs: Runs, sounds: Path, tmp_path: Path
) -> None:
    FakeRun(places.outputs, alive=True).start(root=[str(sounds)]).step()
    (tmp_path / "link").symlink_to(sounds)
    for path in (tmp_path / "link", tmp_path / "no" / ".." / "sounds", f"{sounds}/"):
        (tmp_path / "no").mkdir(exist_ok=True)
        with pytest.raises(RunError, match="already"):
            runs.start(RunRequest(str(path)))


def test_a_go_on_that_fails_says_why_and_not_what_was_before(places: Places, runs: Runs) -> None:
    FakeRun(places.outputs).start().end("stopped")
    run = "train/2026-01-31_14-00-00_kit"
    note = {"pid": GONE[0], "pid_started_s": time.time(), "words": ["distill.train"]}
    places.note_of(run).parent.mkdir(parents=True)
    places.note_of(run).write_text(json.dumps(note))
    places.log_of(run).write_text("distill: the sounds are gone\n")
    value = show_run(runs)
    assert (value["state"], value["error"]) == ("stopped", "the sounds are gone")


def test_starts_that_failed_do_not_bury_other_runs(places: Places, runs: Runs) -> None:
    for number in range(65):
        (places.trained / f"failed_{number}").mkdir(parents=True)
        note = places.note_of(f"train/failed_{number}")
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text("{}")
        os.utime(note, (1_000 + number, 1_000 + number))
    FakeRun(places.outputs).start().end()
    assert runs.find("train/2026-01-31_14-00-00_kit").name == "kit"


def test_a_process_that_cannot_be_noted_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, text: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    begun: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def begin(*words: Any, **options: Any) -> subprocess.Popen[bytes]:
        begun.append(popen(*words, **options))
        return begun[0]

    monkeypatch.setattr(processes, "write_text", full)
    monkeypatch.setattr(
        subprocess, "Popen", lambda *a, **k: begun.append(popen(*a, **k)) or begun[0]
    )
    with pytest.raises(RunError, match="No space left"):
        processes.start_verb(["http.server", "0"], log=tmp_path / "log", note=tmp_path / "note")
    assert begun[0].wait(timeout=30) != 0


@pytest.mark.slow
def test_a_run_from_the_page_goes_through_its_states(
    places: Places, runs: Runs, sounds: Path
) -> None:
    run = runs.start(
        RunRequest(str(sounds), minutes=0.05, stages=("codec",), name="Klänge (ü), =1")
    )
    assert show_run(runs)["state"] in ("starting", "reading the sounds")
    with pytest.raises(RunError, match="already"):
        runs.start(RunRequest(str(sounds)))
    states = set()
    for _ in range(600):
        states.add(show_run(runs, run)["state"])
        if not runs.find(run).state.is_active:
            break
        time.sleep(0.2)
    value = show_run(runs, run)
    assert value["state"] == "finished", value
    assert value["name"] == "Klänge (ü), =1"
    assert "training" in states
    assert value["model"]["file"] in {path.name for path in places.library.iterdir()}
    assert value["previews"]["rows"]
