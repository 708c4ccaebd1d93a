"""Runs with settings of one's own: recorded, resumed without them, and the same in every job."""

from __future__ import annotations

import csv
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from tests.helpers.own_settings import HEADER, usual_settings, write_settings
from tests.helpers.runs import TINY

pytestmark = pytest.mark.slow

Train = Callable[..., subprocess.CompletedProcess[str]]
SHORT = (*(word for word in TINY if "rvq.levels" not in word), "trainer.max_epochs=1")


def comments_in(run_dir: Path) -> list[str]:
    lines = (run_dir / "config.yaml").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith("#")]


def test_a_run_says_what_was_typed_and_goes_on_without_the_files(
    sounds: Path, tmp_path: Path, distill_train: Train
) -> None:
    mine = usual_settings(tmp_path / "my settings")
    words = ("--config-dir", "my settings", "sounds", "experiment=mine", "name=kit")
    answer = distill_train(*words, *SHORT, "hydra.run.dir=run")
    assert answer.returncode == 0, answer.stderr
    first = comments_in(tmp_path / "run")
    start = "# distill train --config-dir 'my settings' sounds experiment=mine name=kit "
    assert first[0].startswith(start)
    assert first[1:] == [
        f"# typed in {tmp_path}",
        f"# settings of your own: '{mine}/experiment/mine.yaml'",
        f"# settings of your own: '{mine}/rvq/tiny.yaml'",
    ]
    shutil.rmtree(mine)
    answer = distill_train("resume=run", "trainer.max_epochs=2")
    assert answer.returncode == 0, answer.stderr
    resumed = ["# distill train resume=run trainer.max_epochs=2", first[1]]
    assert comments_in(tmp_path / "run") == [*first, *resumed]
    config = OmegaConf.load(tmp_path / "run" / "config.yaml")
    assert (config.seed, config.rvq.levels, config.trainer.max_epochs) == (7, 2, 2)


@pytest.mark.parametrize(
    "launcher",
    [
        (),
        ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2"),
        ("hydra/launcher=in_turn",),
    ],
    ids=str,
)
def test_every_job_of_a_sweep_finds_the_files(
    sounds: Path, tmp_path: Path, distill_train: Train, launcher: tuple[str, ...]
) -> None:
    if launcher and "in_turn" not in launcher[0]:
        name = launcher[0].partition("=")[2].partition("_")[0]
        pytest.importorskip(f"hydra_plugins.hydra_{name}_launcher")
    mine = usual_settings(tmp_path / "mine")
    write_settings(
        mine,
        experiment__other=f"{HEADER}defaults:\n  - override /rvq: tiny\nseed: 8\n",
        hydra__launcher__in_turn="defaults: [basic]\n",
    )
    words = ("-m", "-cd", "mine", "sounds", "experiment=mine,other", *SHORT)
    answer = distill_train(*words, *launcher, "hydra.sweep.dir=sweep")
    assert answer.returncode == 0, answer.stderr
    by_itself = not launcher or "in_turn" in launcher[0]
    assert ("in the library as" in answer.stdout) == by_itself, (
        "jobs at the same time have a line each"
    )
    rows = csv.DictReader((tmp_path / "sweep" / "leaderboard.csv").open())
    assert {(row["experiment"], row["state"]) for row in rows} == {
        ("mine", "done"),
        ("other", "done"),
    }
    for number, name, seed in ((0, "mine", 7), (1, "other", 8)):
        job = tmp_path / "sweep" / str(number)
        config = OmegaConf.load(job / "config.yaml")
        assert (config.seed, config.rvq.levels) == (seed, 2)
        typed, _, *files = comments_in(job)
        assert f"--config-dir {mine} experiment={name} " in typed
        assert files[0] == f"# settings of your own: {mine}/experiment/{name}.yaml"


def test_what_an_own_experiment_trains_is_trained_in_a_sweep_too(
    sounds: Path, tmp_path: Path, distill_train: Train
) -> None:
    prior = "prior:\n  {width: 32, layers: 1, epoch_sounds: 32, batch_size: 4, max_epochs: 1}\n"
    write_settings(tmp_path / "mine", experiment__both=f"{HEADER}stages: [codec, prior]\n{prior}")
    words = [word for word in SHORT if not word.startswith("stages")]
    more = ("data.val_fraction=0.3", "rvq.levels=1,2", "hydra.sweep.dir=sweep")
    answer = distill_train("-m", "-cd", "mine", "sounds", "experiment=both", *words, *more)
    assert answer.returncode == 0, answer.stderr
    assert "trains the codec alone" not in answer.stdout
    rows = csv.DictReader((tmp_path / "sweep" / "leaderboard.csv").open())
    assert all(float(row["bits_per_s"]) > 0 for row in rows)


def test_processes_that_train_together_have_the_same_settings(
    sounds: Path, tmp_path: Path, distill_train: Train
) -> None:
    usual_settings(tmp_path / "mine")
    words = ("--config-dir=mine", "sounds", "experiment=mine", "name=kit", "trainer=ddp")
    answer = distill_train(*words, *SHORT, "trainer.devices=2", "hydra.run.dir=run")
    assert answer.returncode == 0, answer.stderr
    assert OmegaConf.load(tmp_path / "run" / "config.yaml").rvq.levels == 2


def test_a_model_is_trained_again_with_an_own_experiment(
    sounds: Path, tmp_path: Path, distill_train: Train
) -> None:
    mine = usual_settings(tmp_path / "mine")
    write_settings(mine, experiment__longer=f"{HEADER}trainer:\n  max_epochs: 2\n")
    first = distill_train("-cd", "mine", "sounds", "experiment=mine", "name=kit", *SHORT)
    assert first.returncode == 0, first.stderr
    again = ("base=kit", "stages=[codec]", "callbacks.previews=null", "trainer.accelerator=cpu")
    answer = distill_train("-cd", "mine", "sounds", "experiment=longer", *again)
    assert answer.returncode == 0, answer.stderr
    saved = [OmegaConf.load(file) for file in tmp_path.glob("outputs/train/*/config.yaml")]
    assert {config.name: config.trainer.max_epochs for config in saved} == {"kit": 1, "kit 2": 2}
    assert (tmp_path / "outputs/library/kit_2.distillgan").is_file()
