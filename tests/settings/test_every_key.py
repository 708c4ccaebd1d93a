"""Each key of conf/ changes what a run does, or is refused: none is there for nothing."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
import soundfile
from omegaconf import DictConfig, OmegaConf, open_dict

from distill.errors import DistillError
from distill.settings.check import check_config
from distill.settings.compose import compose_settings
from distill.settings.schema import TrainConfig
from distill.train.command import TrainCommand
from distill.train.running import train_alone
from distill.training.run import train
from tests.helpers.conf_leaves import keys_of_runs
from tests.helpers.effects import (
    Effects,
    Look,
    look_at_minutes,
    look_at_the_end,
    look_at_trainer,
    look_at_training,
)
from tests.helpers.runs import TINY, TINY_PRIOR, TINY_VOCODER
from tests.helpers.shared import made_once
from tests.helpers.sounds import tone, write_sounds

OTHER = "tests.helpers.effects.Stranger"
SHORT = (
    *(word for word in TINY if "previews" not in word),
    "name=kit",
    "data.root=../sounds",
    "data.batch_size=16",
    "data.epoch_segments=32",
    "trainer.max_epochs=1",
)
"""One epoch of two steps."""
SAVING = "callbacks=[codebook_health,best,last]"
BARE = (*SHORT, SAVING, "~logger")
VOCODER = (
    *BARE,
    *TINY_VOCODER,
    "stages=[vocoder]",
    "base=../base/best.distillgan",
    "vocoder.max_epochs=1",
)
HIFIGAN = (
    *(word for word in VOCODER if "starter" not in word),
    "vocoder=hifigan_v2",
    "vocoder.spectral_steps=1",
    "vocoder.discriminator_channels=1",
)
PRIOR = (
    *BARE,
    *TINY_PRIOR,
    *(
        "stages=[prior]",
        "base=../base/best.distillgan",
        "prior.max_epochs=1",
        "prior.batch_size=16",
    ),
)
SPOILT = (*BARE, "+callbacks.extra.spoil._target_=tests.helpers.effects.SpoilAll")
MANY_CODES = (*BARE, "mel.hop_length=32", "mel.n_mels=64", "rvq.codebook_size=64")
PREVIEWS = (*SHORT, "callbacks=previews", "trainer.max_epochs=3", "data.val_fraction=0.5")
CURVES = (*SHORT, "callbacks=tensorboard")


@dataclass(frozen=True)
class Change:
    """Another value of a key, the run to try it on, and where the difference is looked for."""

    value: Any
    given: tuple[str, ...] = BARE
    look: Look = look_at_training


CHANGES: dict[str, Change] = {
    "name": Change("other", BARE, look_at_the_end),
    "seed": Change(1),
    "stages": Change(["vocoder"], (*PRIOR, *TINY_VOCODER, "stages=[prior]")),
    "base": Change("../other_base/best.distillgan", PRIOR),
    "data.root": Change("../others"),
    "data.val_fraction": Change(0.4),
    "data.segment_s": Change(0.5),
    "data.batch_size": Change(8),
    "data.epoch_segments": Change(48),
    "data.num_workers": Change(1),
    "data.min_duration_s": Change(0.2),
    "data.silence_dbfs": Change(-40.0),
    "data.cache_dir": Change("other_cache"),
    "data.augment.enabled": Change(False),
    "data.augment.gain_db": Change(6.0),
    "data.augment.flip_polarity": Change(False),
    "data.augment.shift_bins": Change(4),
    "mel.sample_rate_hz": Change(8000),
    "mel.n_fft": Change(256),
    "mel.hop_length": Change(64),
    "mel.n_mels": Change(16),
    "mel.floor": Change(0.01),
    "mel.mean_db": Change(-30.0),
    "mel.std_db": Change(10.0),
    "model.channels": Change(16),
    "model.stride": Change(8),
    "model.residual_units": Change(2),
    "model.dropout": Change(0.1),
    "model.commitment_weight": Change(0.5),
    "model.padding_weight": Change(1.0),
    "model.starter": Change("synthesised"),
    "rvq.levels": Change(3),
    "rvq.codebook_size": Change(8),
    "rvq.low_levels": Change(3),
    "rvq.low_codebook_size": Change(3, (*BARE, "rvq.low_levels=1")),
    "rvq.codebook_dim": Change(4),
    "rvq.decay": Change(0.5),
    "rvq.dead_code_threshold": Change(0),
    "rvq.kmeans_iters": Change(1),
    "quantizer.options.values": Change(4, (*BARE, "quantizer=residual_fsq")),
    "quantizer.options.entropy_weight": Change(0.5, (*BARE, "quantizer=residual_lfq")),
    "quantizer.options.groups": Change(4, (*BARE, "quantizer=grouped_residual_vq")),
    "quantizer.options.codebook_weight": Change(0.1, (*BARE, "quantizer=residual_sim_vq")),
    "optimizer.lr": Change(0.01),
    "optimizer.momentum": Change(0.5),
    "optimizer.betas": Change([0.5, 0.6]),
    "optimizer.weight_decay": Change(10.0),
    "optimizer.warmup_steps": Change(5),
    "optimizer.final_lr_fraction": Change(0.5),
    "vocoder.channels": Change(4, VOCODER),
    "vocoder.blocks": Change(2, VOCODER),
    "vocoder.starter": Change("synthesised", VOCODER),
    "vocoder.decoded_share": Change(1.0, VOCODER),
    "vocoder.lr": Change(0.01, VOCODER),
    "vocoder.weight_decay": Change(10.0, VOCODER),
    "vocoder.max_epochs": Change(2, VOCODER),
    "vocoder.max_minutes": Change(1e-6, VOCODER),
    "vocoder.spectral_steps": Change(2, HIFIGAN),
    "vocoder.discriminator_channels": Change(2, HIFIGAN),
    "prior.width": Change(64, PRIOR),
    "prior.layers": Change(2, PRIOR),
    "prior.dropout": Change(0.5, PRIOR),
    "prior.starter": Change("synthesised", PRIOR),
    "prior.batch_size": Change(8, PRIOR),
    "prior.epoch_sounds": Change(64, PRIOR),
    "prior.lr": Change(0.01, PRIOR),
    "prior.weight_decay": Change(10.0, PRIOR),
    "prior.max_epochs": Change(2, PRIOR),
    "prior.max_minutes": Change(1e-6, PRIOR),
    "minutes": Change(2, (*BARE, "trainer.max_epochs=null", "minutes=1"), look_at_minutes),
    "trainer.max_epochs": Change(2),
    "trainer.max_minutes": Change(1e-6),
    "trainer.accelerator": Change("gpu", look=look_at_trainer),
    "trainer.devices": Change(2, look=look_at_trainer),
    "trainer.num_nodes": Change(2, look=look_at_trainer),
    "trainer.strategy": Change("ddp", look=look_at_trainer),
    "trainer.precision": Change("bf16-mixed"),
    "trainer.gradient_clip_val": Change(1e-8),
    "trainer.max_bad_steps": Change(1, (*SPOILT, "trainer.max_bad_steps=2")),
    "health.min_utilization": Change(0.5, (*MANY_CODES, "health.min_utilization=1")),
    "health.positions_per_code": Change(32, (*BARE, "rvq.codebook_size=2", "rvq.low_levels=0")),
    "callbacks.codebook_health._target_": Change(OTHER),
    "callbacks.tensorboard._target_": Change(OTHER, CURVES),
    "callbacks.tensorboard.every_n_steps": Change(1, CURVES),
    "callbacks.previews._target_": Change(OTHER, PREVIEWS),
    "callbacks.previews.every_n_epochs": Change(2, PREVIEWS),
    "callbacks.previews.clips": Change(1, PREVIEWS),
    "callbacks.progress._target_": Change(OTHER, (*SHORT, "callbacks=progress", "~logger")),
    "callbacks.best._target_": Change("tests.helpers.effects.OwnCheckpoint"),
    "callbacks.last._target_": Change("tests.helpers.effects.OwnCheckpoint"),
    "callbacks.last.every_n_minutes": Change(1e-6),
    "callbacks.extra": Change({"mine": {"_target_": OTHER}}),
    "logger._target_": Change("lightning.pytorch.loggers.CSVLogger", CURVES),
    "logger.name": Change("other", CURVES),
    "logger.version": Change("other", CURVES),
    "library.dir": Change("other_library", BARE, look_at_the_end),
}
REFUSED: dict[str, tuple[str, str]] = {
    "resume": ("/nowhere", "resume=/nowhere: "),
    "data.source": ("shards", "data=streaming needs one folder"),
    "vocoder.type": ("hifigan_v2", "type vocoder=hifigan_v2 instead"),
    "quantizer.type": ("next", "quantizer.type=next: must be one of residual_vq"),
    "quantizer.options": ("{size:3}", "has no option size: it has none"),
    "loss.type": ("next", "loss.type=next: must be one of mel"),
    "loss.options": ("{size:3}", "has no option size: it has none"),
    "data.augment.extra": (["tilt"], "data.augment.extra=tilt: there is none"),
}
"""Keys that say of a run what it is: a value that does not belong to it, and what is said then."""


@cache
def composed(given: tuple[str, ...]) -> DictConfig:
    """The values with these words, composed once: that is the slow part."""
    tree = compose_settings(given).tree
    with open_dict(tree):
        del tree["hydra"]
    return tree


def configuration(given: tuple[str, ...], changed: dict[str, Any]) -> TrainConfig:
    tree = deepcopy(composed(given))
    with open_dict(tree):
        for key, value in changed.items():
            OmegaConf.update(tree, key, value)
    return check_config(tree)


class Workshop:
    """Runs in folders of their own, which have sounds and models beside them."""

    def __init__(self, factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
        self.factory, self.monkeypatch, self.runs = factory, monkeypatch, 0
        self.folder = made_once(factory, "workshop", self.furnish)

    def furnish(self, folder: Path) -> None:
        self.folder = folder
        for name in ("sounds", "others"):
            write_sounds(folder / name)
        soundfile.write(folder / "sounds" / "short.wav", tone(700, 0.1), 16_000)
        soundfile.write(folder / "sounds" / "soft.wav", tone(900) / 300, 16_000)
        for seed, name in enumerate(("base", "other_base")):
            self.go_to(name)
            train(configuration(BARE, {"seed": seed}), Path())

    def go_to(self, name: str) -> None:
        (self.folder / name).mkdir()
        self.monkeypatch.chdir(self.folder / name)

    def look(self, change: Change, changed: dict[str, Any]) -> Effects:
        """What a run does with a setting changed."""
        self.runs += 1
        self.go_to(f"run{self.runs}_{os.getpid()}")
        return change.look(configuration(change.given, changed))

    def usual_look(self, change: Change) -> Effects:
        """What a run does without the change: the same each time, so that a key which nobody reads
        makes no difference.
        """

        def work(folder: Path) -> None:
            seen = self.look(change, {})
            assert self.look(change, {}) == seen
            (folder / "seen").write_bytes(pickle.dumps(seen))

        known = f"usual_{crc32(repr((change.given, change.look.__name__)).encode())}"
        seen: Effects = pickle.loads((made_once(self.factory, known, work) / "seen").read_bytes())
        return seen


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield Workshop(tmp_path_factory, monkeypatch)


def test_every_key_is_tried() -> None:
    assert keys_of_runs() == CHANGES.keys() | REFUSED.keys()
    assert not CHANGES.keys() & REFUSED.keys()


@pytest.mark.slow
@pytest.mark.parametrize("key", CHANGES)
def test_a_key_changes_what_a_run_does(workshop: Workshop, key: str) -> None:
    change = CHANGES[key]
    usual = workshop.usual_look(change)
    assert workshop.look(change, {key: change.value}) != usual


@pytest.mark.parametrize("key", REFUSED)
def test_a_value_that_does_not_belong_is_refused(key: str) -> None:
    value, told = REFUSED[key]
    with pytest.raises(DistillError, match=told):
        train_alone(TrainCommand((f"{key}={value}",)))
