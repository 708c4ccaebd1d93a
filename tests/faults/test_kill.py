"""`kill -9` at any moment: no torn file, and the next start goes on."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import time
from pathlib import Path

import pytest
import soundfile

from distill.bundle.reader import read_content
from distill.training.records.checkpoint_io import AtomicCheckpointIO
from tests.helpers.runs import TINY, started, until_first_save
from tests.helpers.sounds import tone

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("DISTILL_KILLS", "3"))
"""More of them, 200 say, take a quarter of an hour."""
EPOCHS = 15


def first(*more: str) -> list[str]:
    settings = ("callbacks.previews.every_n_epochs=5", "data.root=sounds", "hydra.run.dir=run")
    return [*TINY, f"trainer.max_epochs={EPOCHS}", *settings, *more]


def check_nothing_is_torn(folder: Path) -> int:
    """Epochs of the newest checkpoint."""
    epochs = 0
    for path in folder.glob("run/checkpoints/*.ckpt"):
        state = AtomicCheckpointIO().load_checkpoint(path)
        epochs = max(epochs, len(state["distill"]["bundle"]["loss_curve_history"]["val_losses"]))
    for path in (*folder.glob("run/*.distillgan"), *folder.glob("outputs/library/*.distillgan")):
        read_content(path)
    for path in (*folder.rglob("*.json"), *folder.glob("outputs/library/*.json")):
        json.loads(path.read_text("utf-8"))
    for path in folder.glob("run/previews/**/*.wav"):
        soundfile.read(path)
    return epochs


def told(log: Path) -> int:
    """The last epoch that a run has said to be done."""
    text = log.read_text("utf-8") if log.exists() else ""
    return max((int(number) for number in re.findall(r": epoch (\d+)/", text)), default=0)


def test_killed_again_and_again_a_run_ends(sounds: Path, tmp_path: Path) -> None:
    for number in range(100):  # enough to be killed while they are decoded
        sound = tone(100 + 3 * number, duration_s=1.5, seed=number)
        soundfile.write(sounds / f"more_{number}.wav", sound, 44_100)
    chance = random.Random(0)
    behind = 0
    shutil.copytree(sounds, tmp_path / "timed" / "sounds")
    begin_s = until_first_save(tmp_path / "timed", first())
    shutil.rmtree(tmp_path / "timed")
    for _ in range(KILLS):
        goes_on = (tmp_path / "run" / "checkpoints" / "last.ckpt").exists()
        run = started(tmp_path, *(["resume=run"] if goes_on else first()))
        time.sleep(chance.uniform(0, 1.3 * begin_s))
        run.send_signal(signal.SIGKILL)
        out, _ = run.communicate()
        assert "Traceback" not in out, out
        epochs = check_nothing_is_torn(tmp_path)
        assert epochs >= behind, "what was saved stays saved"
        assert epochs >= told(tmp_path / "run" / "train.log") - 1, "at most an epoch is lost"
        behind = epochs
        if (tmp_path / "run" / "summary.json").exists():  # the end: from the first scan again
            behind = 0
            shutil.rmtree(tmp_path / "run")
            shutil.rmtree(tmp_path / "outputs")
    goes_on = (tmp_path / "run" / "checkpoints" / "last.ckpt").exists()
    run = started(tmp_path, *(["resume=run"] if goes_on else first()))
    out, _ = run.communicate(timeout=180)
    assert run.returncode == 0 or "is complete" in out, out
    assert check_nothing_is_torn(tmp_path) == EPOCHS
    cached = list((tmp_path / "outputs" / "cache").rglob("*.f32"))
    assert len(cached) == 112, "each sound once"


def test_two_runs_at_once_share_cache_and_library(sounds: Path, tmp_path: Path) -> None:
    runs = [
        started(tmp_path, *TINY, "data.root=sounds", f"hydra.run.dir=run{number}", "name=kit")
        for number in range(2)
    ]
    for run in runs:
        out, _ = run.communicate(timeout=180)
        assert run.returncode == 0, out
    index = json.loads((tmp_path / "outputs" / "library" / "model_library.json").read_text())
    assert {entry["file"] for entry in index["models"]} == {"kit.distillgan", "kit_1.distillgan"}
    assert len(list((tmp_path / "outputs" / "cache").rglob("*.f32"))) == 12
