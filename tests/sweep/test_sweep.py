"""Sweeps as they are typed: every job tried, every outcome told, whatever launches them."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from distill.errors import DistillError
from distill.settings.compose import load_config
from distill.sweep.job_run import threads_of
from tests.helpers.forks import start
from tests.helpers.runs import TINY, TINY_PRIOR, wait_for
from tests.helpers.verbs import Run

SWEEP = ("-m", *TINY, "trainer.max_epochs=1", "data.root=sounds")
Train = Callable[..., subprocess.CompletedProcess[str]]


def rows(folder: Path) -> list[dict[str, str]]:
    (sheet,) = folder.glob("outputs/multirun/*/leaderboard.csv")
    return list(csv.DictReader(sheet.open()))


def in_library(folder: Path) -> int:
    return len(json.loads((folder / "outputs/library/model_library.json").read_text())["models"])


@pytest.mark.slow
def test_each_job_is_ranked_and_published(sounds: Path, tmp_path: Path, run: Run) -> None:
    answer = run("train", *SWEEP, "rvq.levels=1,2", "model.commitment_weight=0.1,0.5", "name=kit")
    assert answer.exit_code == 0, answer.stderr
    found = rows(tmp_path)
    errors = [float(row["mel_db"]) for row in found]
    assert len(found) == 4
    assert errors == sorted(errors)
    assert {(row["rvq.levels"], row["model.commitment_weight"]) for row in found} == {
        (levels, weight) for levels in "12" for weight in ("0.1", "0.5")
    }
    assert in_library(tmp_path) == 4
    assert {row["name"] for row in found} == {f"kit-{number}" for number in range(4)}
    assert "leaderboard" in answer.stdout


@pytest.mark.slow
def test_the_bits_of_priors_are_in_the_leaderboard(sounds: Path, tmp_path: Path, run: Run) -> None:
    answer = run("train", *SWEEP, *TINY_PRIOR, "prior.max_epochs=1,2", "data.val_fraction=0.3")
    assert answer.exit_code == 0, answer.stderr
    found = rows(tmp_path)
    assert [row["prior.max_epochs"] for row in found] in (["1", "2"], ["2", "1"])
    assert all(float(row["bits_per_s"]) > 0 for row in found)
    assert "bits/s" in answer.stdout


@pytest.mark.slow
def test_a_failing_job_is_told_and_the_others_stand(sounds: Path, tmp_path: Path, run: Run) -> None:
    answer = run("train", *SWEEP, "rvq.levels=1,99,2")
    assert answer.exit_code == 1
    assert "1 of 3 jobs failed" in answer.stderr
    assert "Traceback" not in answer.stderr + answer.stdout
    found = {row["rvq.levels"]: row for row in rows(tmp_path)}
    assert "must be a whole number from 1 to 8" in found["99"]["reason"]
    assert [found[levels]["state"] for levels in ("1", "99", "2")] == ["done", "failed", "done"]


@pytest.mark.slow
def test_a_job_that_runs_into_nan_is_told_and_the_others_stand(
    sounds: Path, tmp_path: Path, run: Run
) -> None:
    poison = "+callbacks.extra.poison._target_=tests.helpers.watching.Poison"
    answer = run(
        "train",
        *SWEEP,
        poison,
        "+callbacks.extra.poison.rank=0",
        "+callbacks.extra.poison.step=99,1",
        "trainer.max_bad_steps=1",
        "hydra.sweep.dir=outputs/multirun/poisoned",
    )
    assert answer.exit_code == 1
    sheet = (tmp_path / "outputs/multirun/poisoned/leaderboard.csv").open()
    states = {row["callbacks.extra.poison.step"]: row for row in csv.DictReader(sheet)}
    assert states["99"]["state"] == "done"
    assert "holds NaN or infinity" in states["1"]["reason"]


@pytest.mark.slow
@pytest.mark.parametrize(("launcher", "beside"), [("", 1), ("joblib", 2), ("submitit_local", 2)])
def test_ctrl_c_stops_the_sweep_and_keeps_what_is_done(
    sounds: Path, tmp_path: Path, launcher: str, beside: int
) -> None:
    chosen = []
    if launcher:
        pytest.importorskip(f"hydra_plugins.hydra_{launcher.split('_')[0]}_launcher")
        at_once = "launcher.n_jobs" if launcher == "joblib" else "sweeper.max_batch_size"
        chosen = [f"hydra/launcher={launcher}", f"hydra.{at_once}={beside}"]
    long = "100000" if beside == 1 else "100000,100001"
    words = ("train", *SWEEP, *chosen, f"trainer.max_epochs=1,{long},2")
    sweep = start(tmp_path, *words, prepare=["os:setsid"])
    sweeps = tmp_path / "outputs" / "multirun"
    wait_for(lambda: list(sweeps.glob("*/0/summary.json")))
    wait_for(lambda: list(sweeps.glob("*/1/last.distillgan")))
    if launcher == "submitit_local":
        os.killpg(sweep.pid, signal.SIGINT)  # as a terminal does
    else:
        sweep.send_signal(signal.SIGINT)
    out, err = sweep.communicate(timeout=120)
    assert sweep.returncode == 130, out + err
    assert "Traceback" not in err
    states = {row["trainer.max_epochs"]: row["state"] for row in rows(tmp_path)}
    assert states["1"] == "done"
    assert states["100000"] == "stopped"
    assert states.get("2", "stopped") == "stopped"


@pytest.mark.slow
@pytest.mark.parametrize(
    "launcher",
    [
        ("joblib", "hydra.launcher.n_jobs=2"),
        ("submitit_local", "hydra.sweeper.max_batch_size=2"),
        ("ray", "+hydra.launcher.ray.init.num_cpus=2"),
    ],
)
def test_other_launchers_give_the_same_leaderboard(
    sounds: Path, tmp_path: Path, distill_train: Train, launcher: tuple[str, str]
) -> None:
    name, setting = launcher
    pytest.importorskip(f"hydra_plugins.hydra_{name.split('_')[0]}_launcher")
    answer = distill_train(*SWEEP, f"hydra/launcher={name}", setting, "rvq.levels=1,99")
    assert answer.returncode == 1, answer.stderr
    found = {row["rvq.levels"]: row["state"] for row in rows(tmp_path)}
    assert found == {"1": "done", "99": "failed"}
    assert in_library(tmp_path) == 1


@pytest.mark.slow
def test_a_search_goes_on_where_it_was(sounds: Path, tmp_path: Path, distill_train: Train) -> None:
    pytest.importorskip("hydra_plugins.hydra_optuna_sweeper")
    search = (*SWEEP, "hydra/sweeper=search", "name=kit", "hydra.sweeper.n_trials=4")
    running = start(tmp_path, "train", *search)
    sweep = tmp_path / "outputs/multirun/kit"
    wait_for(lambda: list(sweep.glob("*_1/summary.json")))
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=60)
    answer = distill_train(*search)
    assert answer.returncode == 0, answer.stderr
    sheet = list(csv.DictReader((sweep / "leaderboard.csv").open()))
    assert sum(row["state"] == "done" for row in sheet) in (4, 5)  # one may end as it is stopped
    answer = distill_train(*search)
    assert (answer.returncode, "is complete" in answer.stderr) == (2, True)


def test_local_jobs_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    local = {"_target_": "submitit_launcher.LocalLauncher", "cpus_per_task": None}

    def threads(launcher: dict[str, object], at_once: int | None) -> int | None:
        sweeper = {"max_batch_size": at_once}
        return threads_of(OmegaConf.create({"launcher": launcher, "sweeper": sweeper}))

    assert [threads(local, at_once) for at_once in (None, 2, 16)] == [1, 4, 1]
    assert threads({**local, "cpus_per_task": 3}, None) == 3
    assert threads({"_target_": "basic_launcher.BasicLauncher"}, None) is None


def test_an_interval_is_for_a_search() -> None:
    with pytest.raises(DistillError, match="hydra/sweeper=search"):
        load_config(["optimizer.lr=interval(0.001,0.01)"])


def test_a_sweep_over_group_files_names_the_ones_there_are() -> None:
    with pytest.raises(DistillError, match="must be one of best, quick"):
        load_config(["experiment=quick,nope"])


@pytest.mark.skipif(
    importlib.util.find_spec("hydra_plugins") is not None
    and importlib.util.find_spec("hydra_plugins.hydra_submitit_launcher") is not None,
    reason="the extra is installed",
)
def test_a_launcher_that_is_not_installed_names_the_extra() -> None:
    with pytest.raises(DistillError, match="sweep"):
        load_config(["hydra/launcher=slurm"])


def test_slurm_composes() -> None:
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    load_config(["hydra/launcher=slurm", "rvq.levels=2,3"])
