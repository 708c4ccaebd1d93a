"""A page to listen, in the folder of each run: held-out sounds by the best weights."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest
import soundfile
import torch

from distill.audio.sound_file import SoundFile
from distill.codec.codec import Codec
from distill.errors import WriteError
from distill.training import listening
from distill.training.codec import stage
from distill.training.interrupt import RunStopped
from tests.helpers.listening import read_page, rows_on_record
from tests.helpers.runs import Train
from tests.helpers.stage_cases import make_the_first_epoch_best
from tests.helpers.stop_at import stop_at
from tests.helpers.whole_runs import SHOWN_NAME

HALF = "data.val_fraction=0.5"


def test_a_run_leaves_a_page_and_names_it_first(shown_run: tuple[Path, str]) -> None:
    run_dir, told = shown_run
    shown = read_page(run_dir / "listen.html")
    assert f"Listen: {SHOWN_NAME}" in shown.text
    summary = json.loads((run_dir / "summary.json").read_text())
    assert summary["stages"]["codec"]["verdict"] in shown.text
    files = {path.name for path in Path("sounds").iterdir()}
    assert {name.partition(" (")[0] for name in shown.names} <= files
    assert len(set(shown.names)) == len(shown.names), "segments of one sound are told apart"
    assert 3 <= len(shown.names) <= listening.MOST_SOUNDS
    rows = rows_on_record(run_dir)
    onsets = [row["figures"]["onset_db"] for row in rows]  # type: ignore[index]
    assert onsets == sorted(onsets, reverse=True)
    figures = [set(row["figures"]) for row in rows]  # type: ignore[call-overload]
    assert all(each >= {"onset_db", "peak_db", "level_db", "mel_db"} for each in figures)
    assert any(each >= {"rise_ms", "original_rise_ms"} for each in figures)
    takes = list((run_dir / "listen_files").glob("*.wav"))
    assert len(takes) == 2 * len(rows), "each sound, and what came back"
    for take in takes:
        assert SoundFile.open(take).made_with == f"{SHOWN_NAME} ({summary['model_id']})"
        assert soundfile.info(take).duration <= 0.25
    lines = told.splitlines()
    assert lines[lines.index("next:") + 1] == "  to listen, open in a browser: run/listen.html"
    assert summary["page"] == "run/listen.html"


@pytest.mark.slow
def test_a_stopped_run_has_a_page_and_the_resumed_one_a_new_one(
    sounds: Path, train_here: Train
) -> None:
    with pytest.raises(RunStopped):
        train_here("run", "data.root=sounds", HALF, *stop_at(5))
    before = read_page(run_page := Path("run/listen.html"))
    assert before.names
    text = run_page.read_bytes()
    train_here("run", resume=True)
    after = read_page(run_page)
    assert sorted(after.names) == sorted(before.names)
    assert run_page.read_bytes() != text
    assert len(list(Path("run/listen_files").glob("*.png"))) == len(after.names)


def test_a_run_that_is_stopped_before_its_first_epoch_has_none(
    sounds: Path, train_here: Train
) -> None:
    with pytest.raises(RunStopped):
        train_here("run", "data.root=sounds", *stop_at(0))
    assert not Path("run/listen.html").exists()
    assert json.loads(Path("run/summary.json").read_text())["page"] is None


def test_a_page_that_finds_no_room_does_not_fail_the_run(
    sounds: Path,
    train_here: Train,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(path: Path, *_: object, **__: object) -> None:
        cause = OSError(errno.ENOSPC, "No space left on device")
        raise WriteError(path, cause) from cause

    monkeypatch.setattr(listening, "write_sound", fail)
    run_dir = train_here("run", "data.root=sounds", "trainer.max_epochs=1")
    assert (run_dir / "summary.json").exists()
    assert not (run_dir / "listen.html").exists()
    assert "the page to listen is not written: No space left on device" in caplog.messages


def test_the_sounds_are_those_of_the_best_weights(
    sounds: Path, train_here: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[dict[str, torch.Tensor]] = []

    def write(model: Codec, *_: object, **__: object) -> None:
        used.append({name: value.clone() for name, value in model.network.state_dict().items()})

    monkeypatch.setattr(stage, "write_held_out_page", write)
    make_the_first_epoch_best(monkeypatch)
    run_dir = train_here("run", "data.root=sounds")
    best = torch.load(run_dir / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"]
    (weights,) = used
    assert {f"model.{name}" for name in weights} <= best.keys()
    for name, value in weights.items():
        torch.testing.assert_close(value, best[f"model.{name}"], rtol=0, atol=0)
    last = torch.load(run_dir / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    assert any(not torch.equal(value, last[f"model.{name}"]) for name, value in weights.items())
