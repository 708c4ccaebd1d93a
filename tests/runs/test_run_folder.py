"""The folder of a run: never trained over, and gone on with by what is whole in it."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from distill.errors import RunError
from distill.runs.folder import check_unused, lock_run_dir, run_to_resume
from distill.training.records.checkpoint_io import AtomicCheckpointIO


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    run_dir = tmp_path / "a run"
    (run_dir / "checkpoints").mkdir(parents=True)
    (run_dir / "config.yaml").touch()
    AtomicCheckpointIO().save_checkpoint({"x": [1.0] * 1_000}, run_dir / "checkpoints/last.ckpt")
    shutil.copyfile(run_dir / "checkpoints/last.ckpt", run_dir / "checkpoints/best.ckpt")
    return run_dir


def checkpoint_of(run_dir: Path) -> dict[str, Any]:
    """What a run would go on from."""
    run_dir = run_to_resume(run_dir.parent, str(run_dir))
    return AtomicCheckpointIO().load_checkpoint(run_dir / "checkpoints" / "last.ckpt")


@pytest.mark.parametrize("saved", ["checkpoints/last.ckpt", "best.distillgan"])
def test_a_run_is_not_trained_over(begun: Path, saved: str) -> None:
    for path in begun.glob("checkpoints/*"):
        path.unlink()
    check_unused(begun)
    (begun / saved).touch()
    with pytest.raises(RunError, match=r"already holds a run.*resume="), lock_run_dir(begun):
        check_unused(begun)
    assert (begun / saved).exists()


@pytest.mark.parametrize("how", ["missing", "cut", "one bit", "empty", "text"])
def test_without_its_last_checkpoint_a_run_goes_on_from_its_best(begun: Path, how: str) -> None:
    last = begun / "checkpoints" / "last.ckpt"
    data = bytearray(last.read_bytes())
    data[data.index(b"data.pkl") + 100] ^= 1
    damaged = {"cut": data[:900], "one bit": data, "empty": b"", "text": b"not that"}
    if how == "missing":
        last.unlink()
    else:
        last.write_bytes(damaged[how])
    with pytest.raises(RunError) as refused:
        checkpoint_of(begun)
    told = str(refused.value)
    assert len(told.splitlines()) == 1
    way_out = told.partition("to continue from the best epoch: ")[2]
    subprocess.run(shlex.split(way_out), check=True)
    assert checkpoint_of(begun)["x"][0] == 1.0


def test_without_any_it_is_begun_again(begun: Path) -> None:
    shutil.rmtree(begun / "checkpoints")
    with pytest.raises(RunError, match="start it again"):
        run_to_resume(begun.parent, str(begun))
