"""A run that is gone on with later: what stays, what may change, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import lightning
import pytest
import soundfile
import torch

from distill.dashboard.state.places import Places
from distill.dashboard.state.runs import Runs
from distill.errors import DistillError
from distill.training.callbacks import bundle_checkpoint, progress_display
from tests.helpers.fake_runs import show_run
from tests.helpers.runs import PREVIEWS, Train
from tests.helpers.sounds import sound, tone
from tests.helpers.verbs import Run


def test_a_moved_run_keeps_its_best_model(shown_run: tuple[Path, str]) -> None:
    run_dir, _ = shown_run
    checkpoint = torch.load(run_dir / "checkpoints/last.ckpt", weights_only=True)
    (state,) = (
        state
        for key, state in checkpoint["callbacks"].items()
        if key.startswith("BundleCheckpoint") and "val/mel_db" in key
    )
    moved = run_dir.rename("moved").absolute()
    best = bundle_checkpoint.BundleCheckpoint(
        run_dir=moved,
        stage="codec",
        which="best",
        monitor="val/mel_db",
    )
    best.load_state_dict(state)
    assert best.best_model_path == str(moved / "checkpoints/best.ckpt")
    trainer = lightning.Trainer(logger=False, accelerator="cpu")
    score = state["best_model_score"]
    assert not best.check_monitor_top_k(trainer, score + 0.1), "a worse model would take its place"
    assert best.check_monitor_top_k(trainer, score - 0.1)


def test_a_run_goes_on_with_its_own_sounds_only(
    shown_run: tuple[Path, str], train_here: Train, caplog: pytest.LogCaptureFixture
) -> None:
    run_dir, _ = shown_run
    sounds = run_dir.with_name("sounds")
    kept = (run_dir / "collection.json").read_bytes()
    others = sounds.parent / "others"
    others.mkdir()
    soundfile.write(others / "other.wav", tone(3000, seed=99), 16_000)
    with pytest.raises(DistillError, match="12 of this run.s 12 sounds are gone"):
        train_here("run", "data.root=others", "trainer.max_epochs=4", resume=True)
    assert (run_dir / "collection.json").read_bytes() == kept
    (others / "other.wav").rename(sounds / "other.wav")
    train_here("run", "trainer.max_epochs=4", resume=True)
    (told,) = [line for line in caplog.messages if "changed since it began" in line]
    assert "1 added (first: other.wav)" in told
    assert "python -m distill.train sounds base=" in told


def test_a_complete_run_says_that_its_sounds_changed(shown_run: tuple[Path, str], run: Run) -> None:
    """And how to train its model further with them; it stays as it was."""
    run_dir, _ = shown_run
    before = (run_dir / "summary.json").read_bytes()
    told = run("train", "resume=run")
    told.is_mistake("this run is complete")
    assert "base=" not in told.stderr
    soundfile.write("sounds/11.wav", tone(2000, seed=98), 16_000)
    Path("sounds/3.wav").unlink()
    for number in range(2):
        soundfile.write(f"sounds/new{number}.wav", tone(3000, seed=99 + number), 16_000)
    told = run("train", "resume=run")
    told.is_mistake("complete", "2 added, 1 removed, 1 changed (first: new0.wav)")
    told.is_mistake("python -m distill.train sounds base=")
    assert (run_dir / "summary.json").read_bytes() == before
    rows = map(json.loads, (run_dir / "progress.jsonl").read_text().splitlines())
    ends = [row["reason"] for row in rows if row["event"] == "end"]
    assert ends == ["finished", "unchanged", "unchanged"]


def test_a_folder_beside_resume_is_the_runs_own_or_refused(
    shown_run: tuple[Path, str], run: Run
) -> None:
    run_dir, _ = shown_run
    progress = (run_dir / "progress.jsonl").read_bytes()
    sound(Path("others/other.wav"))
    for words in (["others"], ["sounds", "others"], ["data.root=others"]):
        told = run("train", *words, "resume=run", "trainer.max_epochs=4")
        told.is_mistake("others: a run continues with its own sounds", "are in sounds")
        told.is_mistake("leave the folder out", "python -m distill.train sounds others base=")
    assert (run_dir / "progress.jsonl").read_bytes() == progress
    run("train", "./sounds", "resume=run").is_mistake("this run is complete")
    Path("sounds").rename("moved")
    run("train", "moved", "resume=run").is_mistake("this run is complete")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("data.root=sounds", r"run is complete \(codec: 3 epochs"),
        ("trainer.max_epochs=4 data.root=others", "12 of this run.s 12 sounds are gone"),
        ("trainer.max_epochs=4 trainer.devices=[0,1]", "not available on this machine"),
    ],
)
def test_a_refused_command_leaves_a_run_as_it_was(
    shown_run: tuple[Path, str], train_here: Train, words: str, told: str
) -> None:
    """The page shows it as before, and it goes on by its own settings."""
    sound(Path("others/other.wav"))
    folder = Path("outputs/train")
    folder.mkdir()
    run_dir = shown_run[0].rename(folder / "run")
    kept = {name: (run_dir / name).read_bytes() for name in ("config.yaml", "collection.json")}
    runs = Runs(Places(Path("outputs").absolute(), Path("outputs/library").absolute()))
    before = show_run(runs)
    with pytest.raises(DistillError, match=told):
        train_here("outputs/train/run", *words.split(), resume=True)
    after = show_run(runs)
    assert before["state"] == "finished"
    for key in ("state", "error", "can_go_on", "stages", "choices", "sounds"):
        assert after[key] == before[key], key
    assert {name: (run_dir / name).read_bytes() for name in kept} == kept


@pytest.mark.slow
def test_piped_output_is_not_silent_before_the_first_epoch(
    sounds: Path,
    train_here: Train,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(progress_display, "SILENCE_S", 0.0)
    train_here("run", "data.root=sounds", PREVIEWS)
    shown = capsys.readouterr().out
    assert "training the codec: epoch 1 has begun" in shown
    assert "epoch 1/2: step 1 of 4" in shown
    assert "epoch 2/2: step" not in shown, "from then on, each epoch has its lines"
    assert shown.index("first preview to listen to") < shown.index("epoch 1/2  train")
