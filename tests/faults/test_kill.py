"""`kill -9` at any moment: no torn file, and the next start goes on."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
from pathlib import Path

import pytest
import soundfile
import torch

from distill.bundle.loading import load_bundle
from distill.bundle.reader import read_content
from distill.runs.folder import checkpoint_path
from distill.training.records.checkpoint_io import AtomicCheckpointIO
from tests.helpers.forks import answer_of, start_run, until_saved_again
from tests.helpers.runs import TINY, TINY_PRIOR, TINY_VOCODER
from tests.helpers.sounds import tone, write_sounds
from tests.helpers.stage_cases import CASES, CODEC, TOY, StageCase, assert_equal
from tests.helpers.whole_runs import Whole

pytestmark = pytest.mark.slow

FEW = 12
KILLS = int(os.environ.get("DISTILL_KILLS", str(FEW)))
"""Of a toy; more of them, 200 say, are shared by all kinds of stages, and take half an hour."""
KILLED = CASES if KILLS > FEW else (TOY,)
STAGES = ("codec", "vocoder", "prior")
EPOCHS = 4


@pytest.mark.parametrize("case", KILLED, ids=lambda case: case.name)
def test_killed_anywhere_a_stage_ends_as_if_left_alone(
    whole: Whole, tmp_path: Path, case: StageCase
) -> None:
    (tmp_path / "begin" / "outputs").mkdir(parents=True)
    if case is not CODEC:
        shutil.copytree(whole(CODEC) / "outputs" / "library", tmp_path / "begin/outputs/library")
    write_sounds(tmp_path / "begin" / "sounds")
    kills = KILLS // len(KILLED)
    words = ("kill_a_stage", tmp_path, case.name, tmp_path / "begin", kills)
    answer = answer_of(*words, within_s=600 + 20 * kills)
    told = json.loads(answer.splitlines()[-1])
    assert told["deaths"] == kills
    assert len(told["places"]) > kills / 4, told


def check_nothing_is_torn(folder: Path) -> None:
    for path in folder.glob("run/checkpoints/*.ckpt"):
        AtomicCheckpointIO().load_checkpoint(path)
    for path in folder.rglob("*.distillgan"):
        load_bundle(path)
    for path in folder.rglob("*.json"):
        json.loads(path.read_text("utf-8"))
    for path in folder.glob("run/**/*.wav"):
        soundfile.read(path)


def test_killed_in_each_stage_a_run_of_all_three_ends_as_another(
    sounds: Path, tmp_path: Path
) -> None:
    """And, before that, while its sounds are read; then it is stopped while it starts."""
    for number in range(24):  # enough to be killed while they are decoded
        soundfile.write(sounds / f"more_{number}.wav", tone(100 + 3 * number, 1.5), 44_100)
    chance = random.Random(0)
    limits = [f"{group}.max_epochs={EPOCHS}" for group in ("trainer", "vocoder", "prior")]
    words = [*TINY, *TINY_VOCODER, *TINY_PRIOR, f"stages=[{','.join(STAGES)}]", *limits]
    words += [
        "data.root=sounds",
        "data.val_fraction=0.4",
        "data.batch_size=16",
        "prior.batch_size=16",
    ]
    cache = tmp_path / "outputs" / "cache"
    run = start_run(tmp_path, *words, "hydra.run.dir=run", "name=kit")
    while not list(cache.rglob("*.f32")):
        assert run.poll() is None
        time.sleep(0.01)
    run.send_signal(signal.SIGKILL)
    out, _ = run.communicate()
    assert "Traceback" not in out, out
    assert not list(tmp_path.glob("run/checkpoints/*"))
    for stage in STAGES:
        begun = list(tmp_path.glob("run/checkpoints/*"))
        again = ["resume=run"] if begun else [*words, "hydra.run.dir=run", "name=kit"]
        run = start_run(tmp_path, *again)
        until_saved_again(run, checkpoint_path(tmp_path / "run", stage, "last"))
        time.sleep(chance.uniform(0, 0.15))
        run.send_signal(signal.SIGKILL)
        out, _ = run.communicate()
        assert run.returncode == -signal.SIGKILL, out
        assert "Traceback" not in out, out
        check_nothing_is_torn(tmp_path)
    run = start_run(tmp_path, "resume=run")
    assert run.stdout
    while "reading the sounds" not in run.stdout.readline():
        assert run.poll() is None
    run.send_signal(signal.SIGTERM)
    out, _ = run.communicate(timeout=60)
    assert run.returncode in (-signal.SIGTERM, 128 + signal.SIGTERM), out
    for name, more in (("run", ["resume=run"]), ("whole", [*words, "hydra.run.dir=whole"])):
        run = start_run(tmp_path, *more)
        out, _ = run.communicate(timeout=300)
        assert run.returncode == 0, out
        summary = json.loads((tmp_path / name / "summary.json").read_text())
        assert summary["finished"]
        assert [each["epochs"] for each in summary["stages"].values()][-1] == EPOCHS
    check_nothing_is_torn(tmp_path)
    for stage in STAGES:
        one, other = (
            torch.load(checkpoint_path(tmp_path / name, stage, "last"), weights_only=True)
            for name in ("run", "whole")
        )
        for key in ("state_dict", "optimizer_states", "global_step"):
            assert_equal(one[key], other[key], f"{stage}/{key}")
        assert one["distill"]["history"] == other["distill"]["history"]
    published = tmp_path / "outputs" / "library" / "kit.distillgan"
    assert published.read_bytes() == (tmp_path / "run" / "best.distillgan").read_bytes()
    assert len(list(cache.rglob("*.f32"))) == 36, "each sound once"


def test_two_runs_at_once_share_cache_and_library(sounds: Path, tmp_path: Path) -> None:
    """And each has its own vocoder, where that was found better."""
    words = [*TINY, *TINY_VOCODER, "data.root=sounds", "data.val_fraction=0.5", "name=kit"]
    runs = [start_run(tmp_path, *words, f"hydra.run.dir=run{number}") for number in range(2)]
    for run in runs:
        out, _ = run.communicate(timeout=180)
        assert run.returncode == 0, out
    for number in range(2):
        run_dir = tmp_path / f"run{number}"
        summary = json.loads((run_dir / "summary.json").read_text())
        for path in (run_dir / "best.distillgan", tmp_path / summary["published"]):
            assert ("vocoder_state" in read_content(path)) == summary["stages"]["vocoder"]["kept"]
    index = json.loads((tmp_path / "outputs" / "library" / "model_library.json").read_text())
    assert {entry["file"] for entry in index["models"]} == {"kit.distillgan", "kit_1.distillgan"}
    assert len(list((tmp_path / "outputs" / "cache").rglob("*.f32"))) == 12
