"""`distill.prepare`: the codec in a Trainer of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning
import pytest
import torch

import distill
from distill.errors import ConfigError
from tests.helpers.settings import tiny_settings
from tests.helpers.verbs import Run


def trainer(**options: Any) -> lightning.Trainer:
    return lightning.Trainer(
        accelerator="cpu",
        num_sanity_val_steps=0,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **options,
    )


def test_the_parts_train_as_a_run_does(sounds: Path, here: Path, run: Run) -> None:
    module, data = distill.prepare(sounds, **tiny_settings(name="mine"))
    own = trainer(max_epochs=module.limits.max_epochs, enable_checkpointing=False)
    own.fit(module, datamodule=data)
    fitted = distill.fit(sounds, **tiny_settings())
    assert module.history.figures == fitted.history
    assert own.callback_metrics["val/mel_db"] == module.history["val/mel_db"][-1]
    own.save_checkpoint("mine.ckpt")
    assert run("library", "add", "mine.ckpt").exit_code == 0
    model = distill.load("mine")
    assert model.decode(model.encode(torch.rand(8_000), 16_000)).shape == (1, 8_000)


def test_lightnings_own_callbacks_watch_its_figures(sounds: Path, here: Path) -> None:
    module, data = distill.prepare(sounds, **tiny_settings(**{"trainer.max_epochs": 4}))
    best = lightning.pytorch.callbacks.ModelCheckpoint(here / "own", monitor="val/mel_db")
    early = lightning.pytorch.callbacks.EarlyStopping("val/mel_db", patience=1, min_delta=1e9)
    own = trainer(max_epochs=4, callbacks=[best, early])
    own.fit(module, datamodule=data)
    assert own.current_epoch < 4
    assert Path(best.best_model_path).parent == here / "own"
    assert not list(here.glob("outputs/train/*")), "there is no run"


@pytest.mark.parametrize("key", ["resume", "base"])
def test_what_belongs_to_a_run_is_refused(sounds: Path, here: Path, key: str) -> None:
    with pytest.raises(ConfigError, match=f"{key}=kit: belongs to a run"):
        distill.prepare(sounds, **tiny_settings(**{key: "kit"}))
