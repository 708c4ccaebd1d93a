"""Whatever befalls a run while it trains its prior, the model of before stays, and it goes on; and
no call that makes sounds leaves half of one.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import soundfile
import torch

from distill.bundle.loading import load_bundle
from distill.training.records.checkpoint_io import AtomicCheckpointIO
from tests.helpers.disks import Disk
from tests.helpers.made_bundle import made
from tests.helpers.runs import TINY, TINY_PRIOR, environment, started, until_saved_again, wait_for
from tests.helpers.tiny_bundle import prior_state

pytestmark = pytest.mark.slow

EPOCHS, KILLS = 12, 3
TAKE_AWAY = "+callbacks.extra.take._target_=tests.helpers.filling.TakeAway"


def words(*more: str, run_dir: Path | str = "run") -> list[str]:
    sounds = ("data.root=sounds", "data.val_fraction=0.4")
    return [*TINY, *TINY_PRIOR, *sounds, f"hydra.run.dir={run_dir}", *more]


def test_killed_in_its_prior_a_run_ends_as_another(sounds: Path, tmp_path: Path) -> None:
    chance = random.Random(0)
    checkpoint = tmp_path / "run" / "checkpoints" / "prior_last.ckpt"
    for number in range(KILLS):
        begin = words(f"prior.max_epochs={EPOCHS}", "name=kit") if not number else ["resume=run"]
        run = started(tmp_path, *begin)
        until_saved_again(run, checkpoint)
        time.sleep(chance.uniform(0, 0.3))
        run.send_signal(signal.SIGKILL)
        out, _ = run.communicate()
        assert "Traceback" not in out, out
        AtomicCheckpointIO().load_checkpoint(checkpoint)
        load_bundle(tmp_path / "run" / "best.distillgan")
    run = started(tmp_path, "resume=run")
    out, _ = run.communicate(timeout=180)
    assert run.returncode == 0 or "is complete" in out, out
    for path in (tmp_path / "run" / "best.distillgan", tmp_path / "outputs/library/kit.distillgan"):
        assert load_bundle(path).prior is not None
    whole = started(tmp_path, *words(f"prior.max_epochs={EPOCHS}", run_dir="whole"))
    out, _ = whole.communicate(timeout=180)
    assert whole.returncode == 0, out
    one, other = (
        torch.load(tmp_path / name / "checkpoints" / "prior_last.ckpt", weights_only=True)
        for name in ("run", "whole")
    )
    for name, weight in one["state_dict"].items():
        assert torch.equal(weight, other["state_dict"][name]), name


def test_a_disk_that_fills_in_the_prior_leaves_the_codec_usable(
    sounds: Path, tmp_path: Path, disk: Disk
) -> None:
    run_dir = disk(64 << 10) / "run"
    settings = {"folder": run_dir.parent, "what": "space", "begin": 4, "end": 99}
    takes = [f"+callbacks.extra.take.{key}={value}" for key, value in settings.items()]
    run = started(tmp_path, *words("prior.max_epochs=8", run_dir=run_dir), TAKE_AWAY, *takes)
    out, _ = run.communicate(timeout=180)
    assert run.returncode == 2, out
    assert "Traceback" not in out
    assert "No space left on device" in out
    assert load_bundle(run_dir / "best.distillgan").prior is None
    assert not [path for path in run_dir.rglob("*.part")]


def generate(folder: Path, *words: str) -> subprocess.Popen[str]:
    kit = made(folder / "kit.distillgan", fields={"prior_state": prior_state()}, name="kit")
    return subprocess.Popen(
        [sys.executable, "-m", "distill.generate", str(kit), *words],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_ctrl_c_keeps_the_sounds_that_are_done_and_lists_them(tmp_path: Path) -> None:
    work = generate(tmp_path, "-n", "20000", "-o", "out")
    wait_for(lambda: len(list(tmp_path.glob("out/*.wav"))) > 20)
    work.send_signal(signal.SIGINT)
    out, _ = work.communicate(timeout=120)
    assert work.returncode == 130, out
    assert "Traceback" not in out
    files = {path.name for path in tmp_path.glob("out/*.wav")}
    (call,) = json.loads((tmp_path / "out" / "generate.json").read_text())["calls"]
    assert {sound["file"] for sound in call["sounds"]} == files
    for name in files:
        assert soundfile.info(str(tmp_path / "out" / name)).frames > 0


def test_a_full_disk_is_one_line_and_leaves_no_half_of_a_sound(tmp_path: Path, disk: Disk) -> None:
    full = disk(400)
    work = generate(tmp_path, "-n", "400", "-o", str(full / "out"))
    out, _ = work.communicate(timeout=300)
    assert work.returncode == 2, out
    assert "Traceback" not in out
    assert "No space left on device" in out
    for path in full.glob("out/*.wav"):
        assert soundfile.info(str(path)).frames > 0
    assert not list(full.rglob("*.part"))
