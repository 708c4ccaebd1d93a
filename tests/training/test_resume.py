"""A run that was stopped and resumed ends bit for bit like the run left alone."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest
import torch

from tests.helpers.runs import TINY, environment, train_command

# a constant rate, so that stopping by max_epochs=3 and stopping by a signal are the same run
RUN = (*TINY, "callbacks.previews=null", "optimizer.final_lr_fraction=1", "data.root=sounds")


def state_of(run_dir: Path) -> dict[str, object]:
    """All that must be equal: weights, codebooks, optimizer, history, health, schedule."""
    checkpoint = torch.load(run_dir / "checkpoints" / "last.ckpt", weights_only=True)
    bundle = torch.load(run_dir / "last.distillgan", weights_only=True)
    return {
        "weights and codebooks": checkpoint["state_dict"],
        "optimizer": checkpoint["optimizer_states"],
        "steps": checkpoint["global_step"],
        "bundle": bundle["model_state_dict"],
        "history": bundle["loss_curve_history"],
        "figures": checkpoint["distill"]["history"],
        "health": bundle["codebook_health_snapshot"],
    }


def assert_equal(left: object, right: object, where: str = "") -> None:
    """Bit for bit, through nested containers."""
    if isinstance(left, torch.Tensor):
        assert torch.equal(left, right), where
    elif isinstance(left, dict):
        assert left.keys() == right.keys(), where
        for key in left:
            assert_equal(left[key], right[key], f"{where}/{key}")
    elif isinstance(left, list):
        assert len(left) == len(right), where
        for index, pair in enumerate(zip(left, right, strict=True)):
            assert_equal(*pair, f"{where}/{index}")
    else:
        assert left == right, where


def train(folder: Path, *overrides: str) -> None:
    result = subprocess.run(
        train_command(overrides), cwd=folder, env=environment(), capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.slow
def test_three_and_three_epochs_equal_six(sounds: Path, tmp_path: Path) -> None:
    train(tmp_path, *RUN, "trainer.max_epochs=6", "hydra.run.dir=whole")
    train(tmp_path, *RUN, "trainer.max_epochs=3", "hydra.run.dir=halves")
    train(tmp_path, "resume=halves", "trainer.max_epochs=6")
    assert len(state_of(tmp_path / "halves")["history"]["val_losses"]) == 6
    assert_equal(state_of(tmp_path / "whole"), state_of(tmp_path / "halves"))


@pytest.mark.slow
def test_a_run_stopped_in_mid_epoch_goes_on_as_if_nothing_had_been(
    sounds: Path, tmp_path: Path
) -> None:
    falling = [
        *(override for override in RUN if "final_lr" not in override),
        "trainer.max_epochs=4",
        "data.min_epoch_segments=240",
    ]
    train(tmp_path, *falling, "hydra.run.dir=whole")
    whole = state_of(tmp_path / "whole")
    for stop, exit_code in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)):
        run_dir = tmp_path / stop.name
        stopping = [
            "+callbacks.extra.stop._target_=tests.helpers.stop_at.StopAt",
            "+callbacks.extra.stop.step=75",  # the second epoch's 15th step of 60
            f"+callbacks.extra.stop.signal_number={int(stop)}",
        ]
        result = subprocess.run(
            train_command([*falling, *stopping, f"hydra.run.dir={stop.name}"]),
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
        )
        assert result.returncode == exit_code, result.stderr
        if stop != signal.SIGKILL:
            assert "before its end" in result.stdout
            checkpoint = torch.load(run_dir / "checkpoints" / "last.ckpt", weights_only=True)
            assert checkpoint["global_step"] == 75
        train(tmp_path, f"resume={stop.name}")
        (tmp_path / "stopped.once").unlink()
        assert_equal(whole, state_of(run_dir), stop.name)
