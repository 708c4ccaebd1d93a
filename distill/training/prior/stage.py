"""the prior as a stage of a run: a network that makes new sounds out of the codec's codes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from torch import Tensor

from distill.bundle.loading import load_bundle
from distill.bundle.reader import read_bundle
from distill.bundle.rebuild import rebuild_codec
from distill.bundle.rebuild_prior import rebuild_prior
from distill.data.source import Source
from distill.data.split import FEWEST_HELD_OUT
from distill.listen.new_sounds import NewSounds
from distill.listen.seeds import Seeds
from distill.model.config import VQVAEConfig
from distill.model.layout import CodeLayout
from distill.model.sizing import Choice
from distill.prior.config import PriorNetworkConfig
from distill.prior.network import PriorNetwork
from distill.prior.prior import Prior, PriorConfig
from distill.prior.starter import difference_from_starter, start_from_starter
from distill.runs.folder import NEW_SOUNDS, best_bundle
from distill.system.paths import path_of
from distill.system.terminal import quantity, say, say_figures
from distill.training.beginning import base_of, base_prior, fits_prior, start_from_prior
from distill.training.codec.completion import network_config as codec_config
from distill.training.prior.baseline import Baseline
from distill.training.prior.coded_sounds import CodedSounds
from distill.training.prior.comparison import Contest, Earlier
from distill.training.prior.first_sounds import FirstSounds, remove_first_sounds
from distill.training.prior.known import Classes
from distill.training.prior.module import PriorModule
from distill.training.prior.sizes import FEWEST_SOUNDS, Size, choose_size, network_config
from distill.training.prior.stretches import StretchDataModule
from distill.training.stage import Closed, Ended, Prepared, Stage

SHOWN_SOUNDS = 8


@dataclass(frozen=True, kw_only=True)
class PreparedPrior(Prepared):
    """A prior, and draws of stretches of the collection's sounds."""

    module: PriorModule
    known: PriorConfig
    """What the bundle says of it."""
    codes: Tensor
    """(H, W, L): the codes that the bundle keeps."""
    earlier: Earlier | None
    """Of the prior that the model has until now."""


class PriorStage(Stage[PreparedPrior]):
    """Comes last: it learns the codes of the run's best codec."""

    name = PriorModule.stage
    monitor = "val/bits_per_s"
    limits_in = "prior"

    def complete(self) -> list[Choice[float | str]]:
        """Choose the sizes that are null, by the number of codes on the training side."""
        prior, mel, stride = self.config.prior, self.config.mel, self.config.model.stride
        columns = self.data.train.sounding_samples() / (mel.hop_length * stride)
        rvq, rows = self.config.rvq, -(-mel.n_mels // stride)
        layout = CodeLayout(rows, rvq.levels, 1, low_levels=rvq.low_levels)
        codes = round(columns * layout.column_codes)
        reason = f"there are about {codes:,} codes to learn from"
        size, choices = choose_size(codes), list[Choice[float | str]]()
        for key in ("width", "layers", "dropout"):
            if getattr(prior, key) is None:
                value = getattr(size, key)
                setattr(prior, key, value)
                choices.append(Choice(f"prior's {key}", value, reason, is_detail=True))
        return [*choices, *self._complete_starter()]

    def _complete_starter(self) -> list[Choice[str]]:
        """Turn off starter weights that do not fit."""
        prior, config = self.config.prior, self.config
        if prior.starter is None:
            return []
        rows = -(-config.mel.n_mels // config.model.stride)
        network = self._network_config(codec_config(config), rows=rows, classes=0)
        reason = difference_from_starter(network)
        if config.model.starter is None:  # its codes stand for what the weights have never seen
            reason = "the codec does not begin with starter weights"
        if reason is None:
            return []
        prior.starter = None
        return [Choice("prior's starter weights", "none", reason)]

    def prepare(self) -> PreparedPrior:
        """Code the sounds with the codec of the run's best bundle. Raises BundleError."""
        content = read_bundle(best_bundle(self.run_dir))
        codec = rebuild_codec(content)
        before = rebuild_prior(content, codec.network)
        sounds = CodedSounds.of(codec, self.data)
        baseline = sounds.measure()
        network = self._network_config(
            codec.network.config, rows=sounds.rows, classes=len(sounds.classes.names)
        )
        known = sounds.describe(network, baseline)
        say_figures(_beginning(known, len(sounds.asked)))
        start = self._start(network, sounds.classes)
        module = self._module(network, sounds, baseline, sounds.classes, start=start)
        return PreparedPrior(
            module=module,
            data=self._data_module(module),
            callbacks=[FirstSounds(self.run_dir, known, sounds.codes, seed=self.config.seed)],
            known=known,
            codes=sounds.codes,
            earlier=None if before is None else self._earlier(before, sounds, baseline),
        )

    def close(self, prepared: PreparedPrior, ended: Ended) -> Closed:
        """What was learnt, beside the simplest models that there are, and beside the prior that the
        model has. The prior is useful even where that is little: it makes variations then.
        """
        history, known = prepared.module.history, prepared.known
        if not history.epochs:
            return Closed("stopped before its first epoch ended")
        bits = history.of_epoch(history.best_epoch(self.monitor))[self.monitor]
        details = {
            "bits_per_s": bits,
            "bigram_bits_per_s": known.bigram_bits_per_s,
            "unigram_bits_per_s": known.unigram_bits_per_s,
            "learnt": bits < known.unigram_bits_per_s,
            "classes": list(known.classes),
            "held_out_db": known.held_out_db,
        }
        words = verdict(bits, known)
        if not ended.finished:
            words = f"stopped: {words}; the model gets it when the stage has ended"
        held_out = self.data.held_out_sounds
        if held_out is not None and held_out < FEWEST_HELD_OUT:
            words += f"; weak figures: only {quantity(held_out, 'sound')} held out"
        if not ended.finished:  # a model that had a prior has still that one
            return Closed(words, details)
        ended.load_best(prepared.module)
        if prepared.earlier is not None:
            learnt = bits < known.bigram_bits_per_s
            contest = Contest.of(prepared.module, prepared.earlier, learnt=learnt)
            words, details = f"{words}; {contest.verdict}", {**details, **contest.details}
            if not contest.is_better:
                remove_first_sounds(self.run_dir)
                return Closed(words, details)
        addition = _state(prepared, bits, self.source)
        return Closed(words, details, addition=addition, page=self._write_page)

    def _earlier(self, before: Prior, sounds: CodedSounds, baseline: Baseline) -> Earlier:
        classes = Classes(before.config.classes)
        module = self._module(before.config.network, sounds, baseline, classes)
        module.model = before.network
        return Earlier(before, module)

    def _network_config(self, codec: VQVAEConfig, *, rows: int, classes: int) -> PriorNetworkConfig:
        prior = self.config.prior
        assert prior.width is not None
        assert prior.layers is not None
        assert prior.dropout is not None
        size = Size(prior.width, prior.layers, prior.dropout)
        return network_config(size, codec, rows=rows, classes=classes)

    def _module(
        self,
        network: PriorNetworkConfig,
        sounds: CodedSounds,
        baseline: Baseline,
        classes: Classes,
        *,
        start: Callable[[PriorNetwork], None] | None = None,
    ) -> PriorModule:
        config, window = self.config, network.window * network.block_columns
        return PriorModule(
            network,
            sounds.codec,
            sounds.stretches(window=window, seed=config.seed),
            sounds.held_out_stretches(classes, window=window),
            frequency=baseline.frequency,
            held_out_s=sounds.held_out_s,
            augment=config.data.augment,
            limits=self.limits(config),
            optimizer=replace(config.optimizer, lr=config.prior.lr),
            weight_decay=config.prior.weight_decay,
            seed=config.seed,
            start=start,
        )

    def _start(
        self, network: PriorNetworkConfig, classes: Classes
    ) -> Callable[[PriorNetwork], None] | None:
        """Gives the network the weights of the prior of the model that the run trains again, or
        the starter weights.
        """
        content = base_of(self.config, self.run_dir)
        base = None if content is None else base_prior(content)
        if base is not None and fits_prior(network, base.config.network):
            return partial(start_from_prior, classes=classes.names, base=base)
        return None if self.config.prior.starter is None else start_from_starter

    def _data_module(self, module: PriorModule) -> StretchDataModule:
        return StretchDataModule(
            stretches=len(module.stretches),
            held_out=len(module.held_out),
            batch_size=self.config.prior.batch_size,
            draws=self.config.prior.epoch_sounds or max(len(module.stretches), FEWEST_SOUNDS),
            seed=self.config.seed,
        )

    def _write_page(self) -> Path | None:
        """Some new sounds, as `distill.generate` makes them, with their page."""
        model = load_bundle(best_bundle(self.run_dir))
        if model.prior is None:  # the bundle could not be written
            return None
        say(f"making {SHOWN_SOUNDS} new sounds to listen to")
        names = (NEW_SOUNDS if number == 1 else f"{NEW_SOUNDS}-{number}" for number in count(1))
        folder = next(path for name in names if not (path := self.run_dir / name).exists())
        seeds = Seeds(path_of(self.config.library.dir), model.metadata.model_id)
        target = NewSounds(folder, model, seed=self.config.seed, seeds=seeds)
        for sound in model.new_sounds(SHOWN_SOUNDS, seed=self.config.seed):
            target.add(sound)
        page = target.close().page
        remove_first_sounds(self.run_dir)
        return page


def _state(prepared: PreparedPrior, bits: float, source: Source) -> dict[str, Any]:
    """The prior as a bundle holds it."""
    prior = Prior(prepared.known, prepared.module.model, prepared.codes, bits)
    training = {
        "epochs": prepared.module.history.epochs,
        "final_bits_per_s": bits,
        "training_date": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "dataset_name": source.name,
        "dataset_fingerprint": source.fingerprint,
    }
    return {"prior_state": {**prior.state(), "training_metadata": training}}


def _beginning(known: PriorConfig, held_out: int) -> str:
    classes = f" in {len(known.classes):,} classes" if known.classes else ""
    return (
        f"prior: codes of {quantity(len(known.sounds), 'sound')}{classes} to learn from; for those "
        f"of {quantity(held_out, 'held-out sound')}, a bigram needs "
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
            f"{unigram:,.0f}; new sounds are made of these without it"
        )
    if bits >= bigram:
        return (
            f"nothing could be learnt of how sounds go on: {costs} where a bigram needs "
            f"{bigram:,.0f} (frequencies alone {unigram:,.0f}); "
            "longer training or more sounds would help"
        )
    return f"learnt: {costs} where a bigram needs {bigram:,.0f}"
