"""`distill.fit`: a run in somebody else's process, which stays as it was."""

from __future__ import annotations

import logging
import os
import random
import signal
import threading
import warnings
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import pytest
import torch

import distill
from distill.errors import ConfigError, DistillError, RunError, UnknownKeyError
from distill.system import stopping
from distill.system.terminal import console
from tests.helpers.settings import tiny_settings


class StopAtStep(lightning.Callback):
    """Ctrl-C during the step of this number."""

    def __init__(self, step: int, signal_number: int = signal.SIGINT) -> None:
        self.step, self.signal_number = step, signal_number

    def on_train_batch_start(self, trainer: lightning.Trainer, *_: Any) -> None:
        if trainer.global_step == self.step:
            signal.raise_signal(self.signal_number)


class Fails(lightning.Callback):
    """As a bug would."""

    def on_train_start(self, *_: Any) -> None:
        raise ZeroDivisionError("a bug")


def stop_at(step: int, signal_number: int = signal.SIGINT) -> dict[str, Any]:
    target = f"{__name__}.{StopAtStep.__name__}"
    return {"stop": {"_target_": target, "step": step, "signal_number": int(signal_number)}}


def state_of_process() -> dict[str, Any]:
    """All that a run could leave behind."""
    names = ("", "distill", "lightning", "lightning.pytorch", "lightning.fabric", "py.warnings")
    loggers = [logging.getLogger(name) for name in names]
    return {
        "folder": os.getcwd(),
        "signals": [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)],
        "stopped": stopping.stop_signal(),
        "loggers": [(each.level, each.propagate, list(each.handlers)) for each in loggers],
        "filters": [list(each.filters) for each in logging.getLogger().handlers],
        "warnings": (list(warnings.filters), warnings.showwarning),
        "hook": threading.excepthook,
        "quiet": console.quiet,
        "torch": (torch.get_num_threads(), torch.get_rng_state().tolist(), torch.is_grad_enabled()),
        "random": (random.getstate(), np.random.get_state()[1].tolist()),  # type: ignore[index]
        "environment": dict(os.environ),
    }


def test_a_run_is_returned_and_leaves_the_process_as_it_was(
    sounds: Path, here: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = state_of_process()
    run = distill.fit(sounds.name, **tiny_settings(name="kit"))
    assert state_of_process() == before
    assert not run.stopped
    assert run.folder.parent == here / "outputs" / "train"
    assert run.model is not None
    assert run.model.metadata.name == "kit"
    assert run.model.metadata.model_id == distill.load("kit").metadata.model_id
    assert {len(curve) for curve in run.history.values()} == {2}
    assert run.history["val/mel_db"] == run.model.history.val_mel_db
    assert list(run.histories) == ["codec"]
    assert list(run.health) == ["level_0", "level_1", "low_0", "low_1"]
    assert run.summary is not None
    assert run.summary.stages["codec"].epochs == 2
    assert repr(run).startswith(f"FittedRun(outputs/train/{run.folder.name}, finished; codec: ")
    assert "first step done" in (run.folder / "train.log").read_text()
    assert not caplog.records, "the handlers of others get no records of a run"


def test_stopping_saves_and_the_next_run_goes_on(sounds: Path, here: Path) -> None:
    before = state_of_process()
    long = tiny_settings(**{"trainer.max_epochs": 50, "callbacks.extra": stop_at(6)})
    run = distill.fit(sounds, **long)
    assert run.stopped
    assert "stopped" in repr(run)
    assert run.model is not None
    assert run.summary is not None
    assert not run.summary.finished
    assert state_of_process() == before
    further = {"trainer": {"max_epochs": 3}, "callbacks": {"extra": stop_at(10**6)}}
    again = distill.fit(resume=run.folder, **further)
    assert again.folder == run.folder
    assert not again.stopped
    assert len(again.history["train/loss"]) == 3
    assert again.summary is not None
    assert again.summary.finished


def test_a_process_that_is_asked_to_end_gets_the_signal_after_the_save(
    sounds: Path, here: Path
) -> None:
    got: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: got.append(number))
    extra = stop_at(3, signal.SIGTERM)
    run = distill.fit(sounds, **tiny_settings(**{"callbacks.extra": extra}))
    assert run.stopped
    assert got == [signal.SIGTERM]


def test_a_run_in_another_thread(sounds: Path, here: Path) -> None:
    runs: list[Any] = []
    work = threading.Thread(target=lambda: runs.append(distill.fit(sounds, **tiny_settings())))
    work.start()
    work.join()
    assert not runs[0].stopped
    assert runs[0].model is not None


@pytest.mark.parametrize(
    ("settings", "kind", "told"),
    [
        ({"rvq": {"level": 4}}, UnknownKeyError, "did you mean rvq.levels"),
        ({"rvq_levels": 4}, UnknownKeyError, "no such key"),
        ({"rvq": {"levels": "many"}}, DistillError, "rvq.levels"),
        ({"rvq": {"levels": 99}}, ConfigError, "rvq.levels=99: must be"),
        ({"rvq": {"levels": [2, 3]}}, DistillError, "rvq.levels"),
        ({"rvq": {"levels": {2, 3}}}, ConfigError, "must be a text, a number"),
        ({"stages": ["codex"]}, ConfigError, "stages"),
        ({"experiment": "slow"}, ConfigError, "must be one of"),
        ({"data": {"root": "elsewhere"}}, ConfigError, "in one place only"),
        ({"resume": "nowhere"}, RunError, "no such folder"),
    ],
    ids=str,
)
def test_mistakes_are_one_line_and_make_nothing(
    here: Path, settings: dict[str, Any], kind: type[DistillError], told: str
) -> None:
    before = state_of_process()
    with pytest.raises(kind, match=told):
        distill.fit(here, **settings)
    assert list(here.iterdir()) == []
    assert state_of_process() == before


def test_a_folder_that_is_not_there_is_told(here: Path) -> None:
    with pytest.raises(DistillError, match="nowhere"):
        distill.fit("nowhere", **tiny_settings())
    assert not list(here.glob("outputs/train/*"))


def test_a_bug_is_raised_and_the_process_stays_as_it_was(sounds: Path, here: Path) -> None:
    before = state_of_process()
    extra = {"fails": {"_target_": f"{__name__}.{Fails.__name__}"}}
    with pytest.raises(ZeroDivisionError):
        distill.fit(sounds, **tiny_settings(**{"callbacks.extra": extra}))
    assert state_of_process() == before


def test_settings_of_all_kinds_arrive(sounds: Path, here: Path) -> None:
    run = distill.fit(
        [sounds],
        **tiny_settings(
            name="it's [a] kït, 2",
            logger=None,
            experiment="quick",
            seed=np.int64(3),
            optimizer={"betas": (0.8, 0.9), "lr": np.float32(0.01)},
            library={"dir": here / "lib (1)"},
        ),
    )
    assert run.model is not None
    assert run.model.metadata.name == "it's [a] kït, 2"
    assert run.model.training_config["seed"] == 3
    assert run.model.training_config["optimizer"]["betas"] == [0.8, 0.9]
    assert run.model.training_config["optimizer"]["lr"] == pytest.approx(0.01)
    assert len(list((here / "lib (1)").glob("*.distillgan"))) == 1
    assert not (run.folder / "tensorboard").exists()
