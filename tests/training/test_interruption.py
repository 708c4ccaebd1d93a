"""Signals at random moments: what lies under a final name is always whole, and the run goes on."""

from __future__ import annotations

import random
import signal
import subprocess
from pathlib import Path

import pytest
import torch

import distill
from tests.helpers.runs import TINY, environment, train_command, until_first_save

MOMENTS = 4


def check_files(run_dir: Path) -> None:
    """Every file under a final name can be loaded."""
    for checkpoint in run_dir.glob("checkpoints/*.ckpt"):
        assert "state_dict" in torch.load(checkpoint, weights_only=True), checkpoint
    for bundle in run_dir.glob("*.distillgan"):
        assert distill.load(bundle).model.quantizer.initialised, bundle


@pytest.mark.slow
def test_signals_at_random_moments_never_leave_a_torn_file(sounds: Path, tmp_path: Path) -> None:
    moment = random.Random(0)
    run_dir = tmp_path / "run"
    start = [*TINY, "data.root=sounds", "hydra.run.dir=run", "callbacks.previews.every_n_epochs=3"]
    start += ["trainer.max_epochs=100000", "callbacks.last.every_n_minutes=0.01"]
    outcomes = []
    begin_s = until_first_save(tmp_path, start)
    for number in range(MOMENTS):
        going_on = (run_dir / "checkpoints" / "last.ckpt").exists()
        run = subprocess.Popen(
            train_command(["resume=run"] if going_on else start),
            cwd=tmp_path,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        # from the first imports to some way into the training
        wait_s = moment.uniform(0.5, 1.5 * begin_s)
        try:
            _, errors = run.communicate(timeout=wait_s)
            pytest.fail(f"the run ended by itself: {errors}")
        except subprocess.TimeoutExpired:
            sent = (signal.SIGINT, signal.SIGTERM)[number % 2]
            run.send_signal(sent)
            run.communicate(timeout=60)
        outcomes.append((sent.name, run.returncode))
        assert run.returncode in (-sent, 128 + sent), outcomes
        if run_dir.exists():
            check_files(run_dir)
    assert (run_dir / "checkpoints" / "last.ckpt").exists(), outcomes
    assert (run_dir / "last.distillgan").exists(), outcomes
