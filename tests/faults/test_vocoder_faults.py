"""Whatever befalls a run while it trains its vocoder, the codec's model stays, and it goes on."""

from __future__ import annotations

import json
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from distill.bundle.loading import load_bundle
from distill.bundle.reader import read_content
from distill.training.records.checkpoint_io import AtomicCheckpointIO
from tests.helpers.disks import Disk
from tests.helpers.runs import TINY, TINY_VOCODER, started, until_saved_again

pytestmark = pytest.mark.slow

EPOCHS, KILLS = 12, 3
TAKE_AWAY = "+callbacks.extra.take._target_=tests.helpers.filling.TakeAway"


def words(*more: str, run_dir: Path | str = "run") -> list[str]:
    sounds = ("data.root=sounds", "data.val_fraction=0.5")
    return [*TINY, *TINY_VOCODER, *sounds, f"hydra.run.dir={run_dir}", *more]


def vocoder_of(bundle: Path) -> dict[str, Any] | None:
    state: dict[str, Any] | None = torch.load(bundle, weights_only=True).get("vocoder_state")
    return state


def check_it_is_whole(run_dir: Path, published: Path) -> None:
    """The vocoder is in the file, and in the library, if it was found better; the file loads."""
    summary = json.loads((run_dir / "summary.json").read_text())
    assert summary["finished"]
    for path in (run_dir / "best.distillgan", published):
        assert (vocoder_of(path) is not None) == summary["stages"]["vocoder"]["kept"]
        load_bundle(path)


def test_killed_in_its_vocoder_a_run_ends_as_another(sounds: Path, tmp_path: Path) -> None:
    chance, epochs = random.Random(0), 0
    checkpoint = tmp_path / "run" / "checkpoints" / "vocoder_last.ckpt"
    for number in range(KILLS):
        begin = words(f"vocoder.max_epochs={EPOCHS}", "name=kit") if not number else ["resume=run"]
        run = started(tmp_path, *begin)
        until_saved_again(run, checkpoint)
        time.sleep(chance.uniform(0, 0.3))
        run.send_signal(signal.SIGKILL)
        out, _ = run.communicate()
        assert "Traceback" not in out, out
        saved = AtomicCheckpointIO().load_checkpoint(checkpoint)["distill"]
        (count,) = {len(values) for values in saved["history"].values()}
        assert count > epochs or run.returncode == 0, "what was saved is gone on from"
        epochs = count
        for path in (*tmp_path.glob("run/*.distillgan"), *tmp_path.glob("outputs/library/*.gan")):
            read_content(path)
    run = started(tmp_path, "resume=run")
    out, _ = run.communicate(timeout=180)
    assert run.returncode == 0 or "is complete" in out, out
    check_it_is_whole(tmp_path / "run", tmp_path / "outputs" / "library" / "kit.distillgan")
    whole = started(tmp_path, *words(f"vocoder.max_epochs={EPOCHS}", run_dir="whole"))
    out, _ = whole.communicate(timeout=180)
    assert whole.returncode == 0, out
    one, other = (
        torch.load(tmp_path / name / "checkpoints" / "vocoder_last.ckpt", weights_only=True)
        for name in ("run", "whole")
    )
    for name, weight in one["state_dict"].items():
        assert torch.equal(weight, other["state_dict"][name]), name


def test_a_disk_that_fills_in_the_vocoder_leaves_the_codec_usable(
    sounds: Path, tmp_path: Path, disk: Disk
) -> None:
    run_dir = disk(64 << 10) / "run"
    settings = {"folder": run_dir.parent, "what": "space", "begin": 4, "end": 99}
    takes = [f"+callbacks.extra.take.{key}={value}" for key, value in settings.items()]
    run = started(tmp_path, *words("vocoder.max_epochs=8", run_dir=run_dir), TAKE_AWAY, *takes)
    out, _ = run.communicate(timeout=180)
    assert run.returncode == 2, out
    assert "Traceback" not in out
    assert "epoch 8/8" in out, "the training goes on"
    assert "No space left on device" in out
    assert load_bundle(run_dir / "best.distillgan").vocoder_state is None
    assert not [path for path in run_dir.rglob("*.part")]


def test_two_runs_at_once_each_get_their_vocoder(sounds: Path, tmp_path: Path) -> None:
    runs = [started(tmp_path, *words("name=kit", run_dir=f"run{number}")) for number in range(2)]
    for run in runs:
        out, _ = run.communicate(timeout=180)
        assert run.returncode == 0, out
    for number in range(2):
        run_dir = tmp_path / f"run{number}"
        published = json.loads((run_dir / "summary.json").read_text())["published"]
        check_it_is_whole(run_dir, tmp_path / published)
    files = {path.name for path in (tmp_path / "outputs" / "library").glob("*.distillgan")}
    assert files == {"kit.distillgan", "kit_1.distillgan"}
