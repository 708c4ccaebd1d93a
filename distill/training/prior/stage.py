"""the prior as a stage of a run: a network that makes new sounds out of the codec's codes."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, cast

import lightning
import torch

from distill.bundle.loading import load_bundle
from distill.bundle.reader import read_bundle
from distill.bundle.rebuild import rebuild_codec
from distill.codec.codec import Codec
from distill.data.datamodule import SegmentDataModule
from distill.data.split import FEWEST_HELD_OUT
from distill.generation.novelty import MelNeighbours, decode_mels
from distill.listen.new_sounds import NewSounds
from distill.prior.prior import Prior, PriorConfig
from distill.settings.schema import TrainConfig
from distill.system.terminal import counted, say_figures
from distill.training.prior.baseline import measure_baseline
from distill.training.prior.coder import SoundCoder
from distill.training.prior.known import (
    MOST_HELD_OUT_S,
    MOST_KEPT_S,
    Classes,
    code_evenly,
    coded_s,
    known_sounds,
)
from distill.training.prior.module import PriorModule
from distill.training.prior.sizes import choose_size, network_config
from distill.training.prior.stretches import StretchDataModule, Stretches, held_out_stretches
from distill.training.stage import ChosenSetting, Judgement, Stage
from distill.training.stage_module import StageModule
from distill.training.steps.schedule import StageLimits

FOLDER = "new_sounds"
"""In the run folder, with the sounds that the prior made at its end."""
SHOWN_SOUNDS = 8
log = logging.getLogger(__name__)


class PriorStage(Stage):
    """Comes last: it learns the codes of the run's best codec."""

    name = PriorModule.stage
    monitor = "val/bits_per_s"
    limits_in = "prior"

    def __init__(self, config: TrainConfig, source: Any, data: Any, bundle: Path) -> None:
        super().__init__(config, source, data, bundle)
        self._config: PriorConfig | None = None
        self._codes = torch.zeros(0)
        self._is_added = False

    @staticmethod
    def limits(config: TrainConfig) -> StageLimits:
        """The limits under `prior`; steps that are not finite are met as in the codec."""
        trainer, prior = config.trainer, config.prior
        return StageLimits(
            prior.max_epochs, prior.max_minutes, trainer.gradient_clip_val, trainer.max_bad_steps
        )

    def complete(self) -> list[ChosenSetting]:
        """Choose the sizes that are null, by the number of codes on the training side."""
        prior, mel, stride = self.config.prior, self.config.mel, self.config.model.stride
        columns = self.data.train.sounding_samples() / (mel.hop_length * stride)
        codes = round(columns * -(-mel.n_mels // stride) * self.config.rvq.levels)
        size, choices = choose_size(codes), []
        for key in ("width", "layers", "dropout"):
            if getattr(prior, key) is None:
                value = getattr(size, key)
                setattr(prior, key, value)
                choices.append(
                    ChosenSetting(
                        f"prior's {key}",
                        value,
                        f"there are about {codes:,} codes to learn from",
                        is_detail=True,
                    )
                )
        return choices

    def module(self) -> PriorModule:
        """The module, with the codes of the run's best bundle. Raises BundleError."""
        config, data = self.config, cast(SegmentDataModule, self.data)
        codec = rebuild_codec(read_bundle(self.bundle))
        train, held_out = (
            SoundCoder(codec, data.whole_sounds(held_out=is_held_out))
            for is_held_out in (False, True)
        )
        classes = Classes.of(train.sounds)
        labels = classes.labels(train.sounds)
        kept = code_evenly(train, most_s=MOST_KEPT_S, shown="coding sounds")
        asked = code_evenly(held_out, most_s=MOST_HELD_OUT_S, shown="coding held-out sounds")
        some = next(iter(kept.values()))
        size = codec.network.config.codebook_size
        baseline = measure_baseline(list(kept.values()), list(asked.values()), codes=size)
        prior = config.prior
        assert prior.width is not None
        assert prior.layers is not None
        assert prior.dropout is not None
        network = network_config(
            replace(choose_size(0), width=prior.width, layers=prior.layers, dropout=prior.dropout),
            codec.network.config,
            rows=len(some),
            classes=len(classes.names),
        )
        window = network.window * network.block_columns
        stretches = Stretches(train, labels, window=window, seed=config.seed)
        held_out_s = sum(coded_s(held_out, number) for number in asked)
        self._codes = torch.cat(list(kept.values()), dim=1)
        self._config = PriorConfig(
            network=network,
            classes=classes.names,
            sounds=known_sounds(train, labels, kept),
            unigram_bits_per_s=baseline.unigram_bits / held_out_s,
            bigram_bits_per_s=baseline.bigram_bits / held_out_s,
            held_out_db=_usual_distance(codec, list(kept.values()), list(asked.values())),
        )
        say_figures(_beginning(self._config, len(asked)))
        module = PriorModule(
            network,
            codec,
            stretches,
            held_out_stretches(held_out, classes.labels(held_out.sounds), asked, window=window),
            frequency=baseline.frequency,
            held_out_s=held_out_s,
            augment=config.data.augment,
            limits=self.limits(config),
            optimizer=replace(config.optimizer, lr=prior.lr),
            weight_decay=prior.weight_decay,
            seed=config.seed,
        )
        self._data_module = StretchDataModule(
            stretches=len(stretches),
            held_out=len(module.held_out),
            batch_size=prior.batch_size,
            at_least=prior.min_epoch_sounds,
            seed=config.seed,
        )
        return module

    def data_module(self) -> lightning.LightningDataModule:
        """Draws of stretches of the collection's sounds."""
        return self._data_module

    def judge(self, module: StageModule, *, finished: bool) -> Judgement:
        """What was learnt, beside the simplest models that there are."""
        assert self._config is not None
        known = self._config
        if not module.history.epochs:
            return Judgement("stopped before its first epoch ended")
        best = module.history.best_epoch(self.monitor)
        bits = module.history.of_epoch(best)[self.monitor]
        words = verdict(bits, known)
        if not finished:
            words = f"stopped: {words}; the model gets it when the stage has ended"
        held_out = self.data.held_out_sounds
        if held_out is not None and held_out < FEWEST_HELD_OUT:
            words += f"; weak figures: only {counted(held_out, 'sound')} held out"
        return Judgement(
            words,
            {
                "bits_per_s": bits,
                "bigram_bits_per_s": known.bigram_bits_per_s,
                "unigram_bits_per_s": known.unigram_bits_per_s,
                "learnt": bits < known.unigram_bits_per_s,
                "classes": list(known.classes),
                "held_out_db": known.held_out_db,
            },
        )

    def addition(self, module: StageModule) -> dict[str, Any]:
        """The prior, which is useful even where little was learnt: it makes variations then."""
        assert isinstance(module, PriorModule)
        assert self._config is not None
        history = module.history
        if not history.epochs:
            return {}
        best = history.best_epoch(self.monitor)
        bits = history.of_epoch(best)[self.monitor]
        prior = Prior(self._config, module.model, self._codes, bits)
        self._is_added = True
        return {
            "prior_state": {
                **prior.state(),
                "training_metadata": {
                    "epochs": history.epochs,
                    "final_bits_per_s": bits,
                    "training_date": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
                },
            }
        }

    def write_page(self, module: StageModule, run_dir: Path, *, verdict: str) -> Path | None:
        """Some new sounds, as `distill.generate` makes them, with their page."""
        if not self._is_added:  # stopped: a model that had a prior has still that one
            return None
        model = load_bundle(self.bundle)
        if model.prior is None:
            return None
        names = (FOLDER if number == 1 else f"{FOLDER}-{number}" for number in count(1))
        folder = next(path for name in names if not (path := run_dir / name).exists())
        target = NewSounds(folder, model, seed=self.config.seed)
        for sound in model.new_sounds(SHOWN_SOUNDS, seed=self.config.seed):
            target.add(sound)
        return target.close().page


def _beginning(known: PriorConfig, held_out: int) -> str:
    classes = f" in {counted(len(known.classes), 'folder')}" if known.classes else ""
    return (
        f"prior: codes of {counted(len(known.sounds), 'sound')}{classes} to learn from; for those "
        f"of {counted(held_out, 'held-out sound')}, a bigram needs "
        f"{known.bigram_bits_per_s:,.0f} bits a second, their frequencies "
        f"{known.unigram_bits_per_s:,.0f}"
    )


def verdict(bits: float, known: PriorConfig) -> str:
    """What held-out codes cost, and what that means."""
    bigram, unigram = known.bigram_bits_per_s, known.unigram_bits_per_s
    costs = f"{bits:,.0f} bits a second"
    if bits >= unigram:
        return (
            f"too few sounds to learn from: {costs} where the frequencies of the codes alone need "
            f"{unigram:,.0f}; it makes variations of these sounds only"
        )
    if bits >= bigram:
        return (
            f"nothing could be learnt of how sounds go on: {costs} where a bigram needs "
            f"{bigram:,.0f} (frequencies alone {unigram:,.0f}); more sounds would help"
        )
    return f"learnt: {costs} where a bigram needs {bigram:,.0f}"


def _usual_distance(codec: Codec, kept: list[torch.Tensor], asked: list[torch.Tensor]) -> float:
    """How far held-out sounds are from the nearest training sound, in dB."""
    floor_db = 20 * math.log10(codec.spectrogram.config.floor)
    known = MelNeighbours(decode_mels(kept, codec), floor_db=floor_db)
    return known.usual_db(decode_mels(asked, codec))
