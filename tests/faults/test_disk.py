"""A disk that is full, or closed to us: the training goes on, and what was saved stays whole."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile

from distill.bundle.reader import read_content
from tests.helpers.disks import Disk, fill
from tests.helpers.filling import take_away
from tests.helpers.forks import start
from tests.helpers.made_bundle import bundle
from tests.helpers.runs import PREVIEWS, TINY
from tests.helpers.sounds import sound
from tests.helpers.summaries import codec_summary
from tests.helpers.verbs import Run

pytestmark = pytest.mark.slow

TrainIn = Callable[..., tuple[object, list[str]]]


def train(folder: Path, *overrides: str) -> tuple[int, str]:
    return run_as_others(folder, *TINY, "data.root=sounds", *overrides)


def run_as_others(folder: Path, *words: str) -> tuple[int, str]:
    prepare = ["tests.helpers.disks:as_others_are"]
    work = start(folder, "train", *words, one_stream=True, prepare=prepare)
    out, _ = work.communicate()
    return work.wait(), out


@pytest.fixture
def train_in(run: Run, monkeypatch: pytest.MonkeyPatch) -> TrainIn:
    """Train in a folder; the exit code, and the lines of both channels."""

    def work(folder: Path, *words: str) -> tuple[object, list[str]]:
        monkeypatch.chdir(folder)
        told = run("train", *TINY, *words)
        return told.exit_code, [*told.out, *told.err]

    return work


def test_space_that_comes_back_is_used(
    sounds: Path, tmp_path: Path, disk: Disk, train_in: TrainIn
) -> None:
    full = disk(64 << 10)
    run_dir = full / "run"
    takes = take_away(full, "space", begin=1, end=3)
    words = ("data.root=sounds", f"hydra.run.dir={run_dir}", "trainer.max_epochs=5", *takes)
    code, out = train_in(tmp_path, *words)
    assert read_content(run_dir / "last.distillgan")["metadata"]["training_epochs"] == 5
    assert codec_summary(run_dir)["epochs"] == 5
    assert code in (0, 2)  # 2 where curves were lost


PREVIEWS_FIT_KIB, MODELS_FIT_KIB = 460, 900
"""Disks of these sizes hold some previews, and a model; smaller ones of the test do not."""


@pytest.mark.parametrize("size_kib", [200, 460, 700, 900, 1_200])
def test_wherever_in_a_run_the_disk_is_full(
    sounds: Path, disk: Disk, size_kib: int, train_in: TrainIn
) -> None:
    """From the cache by previews, curves, checkpoints and bundles to the library."""
    full = disk(size_kib)
    often = (PREVIEWS, "callbacks.previews.every_n_epochs=1")
    code, lines = train_in(full, f"data.root={sounds}", "trainer.max_epochs=3", *often)
    assert code == 2, lines
    assert lines[-1].startswith("distill: ")
    out = "\n".join(lines)
    reasons = re.findall(r"(?:not saved|not written|cannot be written for \S+): ([^;\n]+)", out)
    assert set(reasons) <= {"No space left on device", "database or disk is full"}
    assert reasons
    assert not list(full.rglob("*.part"))
    assert ("resume=" in out) == bool(list(full.rglob("last.ckpt")))
    models, previews = list(full.rglob("*.distillgan")), list(full.rglob("previews/*/*.wav"))
    assert bool(models) == (size_kib >= MODELS_FIT_KIB)
    assert bool(previews) == (size_kib >= PREVIEWS_FIT_KIB)
    for model in models:
        read_content(model)
    for preview in previews:
        assert soundfile.info(preview).frames


@pytest.mark.parametrize("size_kib", [4, 40])
def test_a_demo_that_finds_no_room_says_so(disk: Disk, size_kib: int, train_in: TrainIn) -> None:
    code, out = train_in(disk(size_kib))
    assert code == 2, out
    assert out[-1] == "distill: outputs/demo: cannot be written: No space left on device"


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("data.cache_dir={}/cache", "data.cache_dir="),
        ("hydra.run.dir={}/run", "cannot be"),
        ("library.dir={}/library", "not published"),
    ],
)
def test_a_disk_that_is_full_from_the_start_is_named(
    sounds: Path, tmp_path: Path, disk: Disk, setting: str, told: str, train_in: TrainIn
) -> None:
    full = disk(1 << 10)
    fill(full)
    code, out = train_in(tmp_path, "data.root=sounds", setting.format(full))
    assert told in "\n".join(out)
    assert code == 2, out


def test_lost_permission_costs_saves_but_not_the_run(sounds: Path, tmp_path: Path) -> None:
    takes = take_away(tmp_path, "permission", begin=2, end=99)
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


def test_a_run_folder_that_is_closed_is_named(sounds: Path, tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    run_dir.mkdir()
    told = f"distill: {run_dir}: cannot be written: Permission denied"
    run_dir.chmod(0o555)
    code, out = train(tmp_path, "hydra.run.dir=run")
    assert (code, out.splitlines()[-1]) == (2, told)
    run_dir.chmod(0o755)
    assert train(tmp_path, "hydra.run.dir=run")[0] == 0
    (run_dir / ".lock").chmod(0o444)
    code, out = run_as_others(tmp_path, "resume=run", "trainer.max_epochs=3")
    assert (code, out.splitlines()[-1]) == (2, told)


def test_a_folder_that_may_not_be_searched_is_told(tmp_path: Path) -> None:
    bundle(tmp_path / "tiny.distillgan")
    sound(tmp_path / "in" / "a.wav")
    (tmp_path / "in" / "closed").mkdir(0)
    words = ("encode", "tiny.distillgan", "in", "-o", "out")
    work = start(tmp_path, *words, prepare=["tests.helpers.disks:as_others_are"])
    assert work.communicate() == ("", "distill: in/closed: cannot be searched: Permission denied\n")
    assert work.wait() == 2


def test_a_run_folder_that_is_taken_away_is_told_and_made_again(
    sounds: Path, tmp_path: Path
) -> None:
    takes = take_away(tmp_path, "folder", begin=2, end=99)
    code, out = train(tmp_path, "hydra.run.dir=run", "trainer.max_epochs=5", *takes)
    assert code == 2, out
    assert "was deleted or moved during the run" in out.splitlines()[-1]
    assert read_content(tmp_path / "run" / "last.distillgan")["metadata"]["training_epochs"] == 5
    code, out = run_as_others(tmp_path, "resume=run", "trainer.max_epochs=6")
    assert code == 0, out
