"""the codec as a stage of a run: an RVQ-VAE on the mels of a collection."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import lightning
import torch
from hydra.utils import instantiate

from distill import plugins
from distill.bundle.content import BundleContent
from distill.codec.level_health import SideHealth
from distill.data.datamodule import SegmentDataModule
from distill.model.sizing import Choice, bitrate_kbps
from distill.model.starter import start_from_starter
from distill.model.vqvae import ConvVQVAE
from distill.settings.parts import packages_of
from distill.training.beginning import base_of, has_base, start_from
from distill.training.codec.completion import complete, network_config, spectrogram_config
from distill.training.codec.fitting import fitting_codebook_size, training_vectors
from distill.training.codec.module import CodecModule
from distill.training.codec.verdict import describe_sound, outlook, rate_best, verdict
from distill.training.listening import write_held_out_page
from distill.training.stage import Closed, Ended, Prepared, Stage
from distill.version import VERSION


@dataclass(frozen=True, kw_only=True)
class PreparedCodec(Prepared):
    """A codec and the collection's segments, for training and held out."""

    module: CodecModule
    data: SegmentDataModule


class CodecStage(Stage[PreparedCodec]):
    """The first stage; later stages work with its codes."""

    name = CodecModule.stage
    monitor = "val/mel_db"
    limits_in = "trainer"

    def complete(self) -> list[Choice[float | str]]:
        """Fill in sizes, decay, epochs, precision and normalisation where they are null."""
        return complete(
            self.config, self.source, self.data, has_base=has_base(self.config, self.run_dir)
        )

    def prepare(self) -> PreparedCodec:
        """A module with a new model id."""
        config, mel = self.config, spectrogram_config(self.config)
        base = base_of(config, self.run_dir)
        start: Callable[[ConvVQVAE], None] | None = None
        if base is not None:
            start = partial(start_from, weights=base.model_state_dict)
        elif config.model.starter is not None:
            start = partial(start_from_starter, mel=mel)
        module = CodecModule(
            network_config(config),
            mel,
            limits=self.limits(config),
            optimizer=config.optimizer,
            health=config.health,
            padding_weight=config.model.padding_weight,
            start=start,
            loss_kind=partial(plugins.load(plugins.LOSS, config.loss.type), **config.loss.options),
            seed=config.seed,
            origin={"training_config": self._training_config(base), "metadata": self._metadata()},
        )
        return PreparedCodec(module=module, data=self.data, callbacks=self._callbacks())

    def close(self, prepared: PreparedCodec, ended: Ended) -> Closed:
        """A verdict on the curves and codebooks at the end, and the codebooks' figures on both
        sides; the page is by the best weights.
        """
        module, history = prepared.module, prepared.module.history
        held_out = prepared.data.held_out_sounds
        health = module.measure_health() if module.can_be_saved else None
        words = verdict(
            history,
            health,
            min_utilization=self.config.health.min_utilization,
            finished=ended.finished,
            held_out_sounds=held_out,
        )
        rating = rate_best(history)
        ahead = outlook(history, finished=ended.finished, elapsed_s=module.clock.elapsed_s)
        words = "; ".join(filter(None, [words, describe_sound(rating, ahead)]))
        details = {
            "closeness": rating and rating.closeness.value,
            "worst_figure": rating and rating.worst,
            "mel_db_ten_minutes_on": ahead.likely_db,
            "held_out_sounds": held_out,
            **_sizes(module),
            **_health(health, ""),
            **_health(module.val_health, "val_"),
        }
        page = partial(self._write_page, module, ended, verdict=words)
        return Closed(words, details, page=page if history.epochs else None)

    def _training_config(self, base: BundleContent | None) -> dict[str, Any]:
        """The settings as a bundle holds them: with the names of the folders and of the base and
        not their full paths, because bundles are shared with others; and sounds that another run
        cannot know the sides of.
        """
        settings = asdict(self.config)
        settings["data"]["root"] = [
            os.path.basename(os.path.normpath(root)) for root in self.config.data.folders
        ]
        settings["base"] = None if base is None else base.metadata.name
        if self.data.exceptions:
            settings["sides"] = self.data.exceptions.plain()
        return settings

    def _metadata(self) -> dict[str, Any]:
        source = self.source
        return {
            "model_id": uuid.uuid4().hex,
            "name": self.config.name,
            "description": "",
            "dataset_name": source.name,
            "dataset_file_count": source.files,
            "dataset_total_duration_s": source.duration_s,
            "dataset_fingerprint": source.fingerprint,
            "training_date": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "tags": [],
            "distill_version": VERSION,
            "torch_version": str(torch.__version__),
            "packages": packages_of(self.config),
        }

    def _callbacks(self) -> list[lightning.Callback]:
        """Codebook health and previews, if the settings have them."""
        config, callbacks = self.config, list[lightning.Callback]()
        if (health := config.callbacks.codebook_health) is not None:
            vectors = training_vectors(config, self.data.train)
            fitting = fitting_codebook_size(config, self.source.files, vectors)
            callbacks.append(
                instantiate(
                    asdict(health),
                    min_utilization=config.health.min_utilization,
                    fitting_codebook_size=fitting.value,
                )
            )
        if (previews := config.callbacks.previews) is not None:
            callbacks.append(
                instantiate(asdict(previews), run_dir=self.run_dir, model_name=config.name)
            )
        return callbacks

    def _write_page(self, module: CodecModule, ended: Ended, *, verdict: str) -> Path | None:
        """A page with some of the held-out sounds."""
        ended.load_best(module)
        module.eval()
        return write_held_out_page(
            module.codec,
            self.data,
            self.run_dir,
            vocoders=module.vocoders(),
            intro=[
                f"Held-out sounds of this run: {verdict}.",
                "The verdict is about all of them; the figures below are those of the sounds "
                "shown.",
            ],
        )


def _sizes(module: CodecModule) -> dict[str, float]:
    mel, network = module.spectrogram.config, module.vqvae_config
    return {
        "codebook_size": network.codebook_size,
        "low_codebook_size": network.low_codebook_size,
        "bitrate_kbps": bitrate_kbps(
            module.layout,
            columns_per_s=mel.sample_rate_hz / (mel.hop_length * network.stride),
        ),
    }


def _health(side: SideHealth | None, prefix: str) -> dict[str, Any]:
    return {
        f"{prefix}health": side.snapshot() if side else {},
        f"{prefix}health_positions": side.positions if side else 0,
        f"{prefix}low_health_positions": side.low.positions if side and side.low else 0,
    }
