"""A disk that is full, or closed to us: the training goes on, and what was saved stays whole."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from distill.bundle.reader import read_content
from tests.conftest import TINY, environment, train_command

pytestmark = pytest.mark.slow

TAKE_AWAY = "+callbacks.extra.take._target_=tests.faults.filling.TakeAway"
Disk = Callable[[int], Path]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A file system of so many MiB."""
    mounted: list[Path] = []

    def make(size_mib: int) -> Path:
        folder = tmp_path / f"disk{len(mounted)}"
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={size_mib}m", "tmpfs", str(folder)]
        if subprocess.run(command, capture_output=True).returncode:
            pytest.skip("no file system can be mounted here")
        mounted.append(folder)
        return folder

    yield make
    for folder in mounted:
        subprocess.run(["umount", str(folder)], check=True)


def _as_others_are() -> None:
    """Root may read and write what it likes: give that up (capabilities(7), CAP_DAC_*)."""
    libc = ctypes.CDLL(None)
    for capability in (1, 2):
        libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


def train(folder: Path, *overrides: str) -> tuple[int, str]:
    answer = subprocess.run(
        train_command([*TINY, "data.root=sounds", *overrides]),
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=180,
        preexec_fn=_as_others_are if os.geteuid() == 0 else None,
    )
    return answer.returncode, answer.stdout


def taken(folder: Path, what: str, begin: int, end: int) -> list[str]:
    settings = {"folder": folder, "what": what, "begin": begin, "end": end}
    return [TAKE_AWAY, *(f"+callbacks.extra.take.{key}={value}" for key, value in settings.items())]


def test_a_full_disk_costs_saves_but_not_the_run(sounds: Path, tmp_path: Path, disk: Disk) -> None:
    full = disk(64)
    run_dir = full / "run"
    takes = taken(full, "space", begin=2, end=99)
    code, out = train(tmp_path, f"hydra.run.dir={run_dir}", "trainer.max_epochs=5", *takes)
    assert code == 2, out
    assert "Traceback" not in out
    assert "epoch 5/5" in out
    assert "last not saved: No space left on device" in out
    for name in ("best", "last"):
        assert read_content(run_dir / f"{name}.distillgan")["metadata"]["training_epochs"] <= 3
    assert not [path for path in run_dir.rglob("*.part")]


def test_space_that_comes_back_is_used(sounds: Path, tmp_path: Path, disk: Disk) -> None:
    full = disk(64)
    run_dir = full / "run"
    takes = taken(full, "space", begin=1, end=3)
    code, out = train(tmp_path, f"hydra.run.dir={run_dir}", "trainer.max_epochs=5", *takes)
    assert "Traceback" not in out
    assert read_content(run_dir / "last.distillgan")["metadata"]["training_epochs"] == 5
    assert json.loads((run_dir / "summary.json").read_text())["epochs"] == 5
    assert code in (0, 2)  # 2 where curves were lost


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("data.cache_dir={}/cache", "data.cache_dir="),
        ("hydra.run.dir={}/run", "cannot be"),
        ("library.dir={}/library", "not published"),
    ],
)
def test_a_disk_that_is_full_from_the_start_is_named(
    sounds: Path, tmp_path: Path, disk: Disk, setting: str, told: str
) -> None:
    full = disk(1)
    with (full / "ballast").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    code, out = train(tmp_path, setting.format(full))
    assert "Traceback" not in out
    assert told in out
    assert code == 2, out


def test_lost_permission_costs_saves_but_not_the_run(sounds: Path, tmp_path: Path) -> None:
    takes = taken(tmp_path, "permission", begin=2, end=99)
    code, out = train(tmp_path, "hydra.run.dir=run", "trainer.max_epochs=5", *takes)
    for folder in (tmp_path / "run", *(tmp_path / "run").rglob("*")):
        if folder.is_dir():
            folder.chmod(0o755)
    assert code == 2, out
    assert "Traceback" not in out
    assert "last not saved: Permission denied" in out
    assert read_content(tmp_path / "run" / "last.distillgan")["metadata"]["training_epochs"] <= 3


def test_sounds_that_may_not_be_read_are_told(sounds: Path, tmp_path: Path) -> None:
    (sounds / "0.wav").chmod(0)
    code, out = train(tmp_path)
    assert code == 0, out
    assert "0.wav: unreadable: Permission denied" in out
