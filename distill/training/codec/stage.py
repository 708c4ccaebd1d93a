"""the codec as a stage of a run: an RVQ-VAE on the mels of a collection."""

from __future__ import annotations

import os
import time
import uuid
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import lightning
import torch
from hydra.utils import instantiate

import distill
from distill.codec.level_health import SideHealth
from distill.data.datamodule import SegmentDataModule
from distill.model.sizing import bitrate_kbps
from distill.settings.schema import TrainConfig
from distill.training.codec.completion import complete, network_config, spectrogram_config
from distill.training.codec.module import CodecModule
from distill.training.codec.verdict import describe_sound, outlook, rate_best, verdict
from distill.training.listening import write_held_out_page
from distill.training.stage import ChosenSetting, Judgement, Stage
from distill.training.stage_module import StageModule
from distill.training.steps.schedule import StageLimits


class CodecStage(Stage):
    """The first stage; later stages work with its codes."""

    name = CodecModule.stage
    monitor = "val/mel_db"
    limits_in = "trainer"

    @staticmethod
    def limits(config: TrainConfig) -> StageLimits:
        """The limits under `trainer`."""
        trainer = config.trainer
        return StageLimits(
            trainer.max_epochs,
            trainer.max_minutes,
            trainer.gradient_clip_val,
            trainer.max_bad_steps,
        )

    def complete(self) -> list[ChosenSetting]:
        """Fill in sizes, decay, epochs, precision and normalisation where they are null."""
        choices, self._fitting_codebook_size = complete(self.config, self.source, self.data)
        return choices

    def data_module(self) -> SegmentDataModule:
        """The collection's segments, for training and held out."""
        return cast(SegmentDataModule, self.data)

    def module(self) -> CodecModule:
        """The module for the complete configuration, with a new model id."""
        config, source = self.config, self.source
        training_config = asdict(config)
        # bundles are shared with others, so they hold the folders' names and not their full paths
        training_config["data"]["root"] = [
            os.path.basename(os.path.normpath(root)) for root in config.data.folders
        ]
        return CodecModule(
            network_config(config),
            spectrogram_config(config),
            limits=self.limits(config),
            optimizer=config.optimizer,
            health=config.health,
            padding_weight=config.model.padding_weight,
            starter=config.model.starter is not None,
            seed=config.seed,
            origin={
                "training_config": training_config,
                "metadata": {
                    "model_id": uuid.uuid4().hex,
                    "name": config.name,
                    "description": "",
                    "dataset_name": source.name,
                    "dataset_file_count": source.files,
                    "dataset_total_duration_s": source.duration_s,
                    "dataset_fingerprint": source.fingerprint,
                    "training_date": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
                    "tags": [],
                    "distill_version": distill.__version__,
                    "torch_version": str(torch.__version__),
                },
            },
        )

    def callbacks(self, run_dir: Path) -> list[lightning.Callback]:
        """Codebook health and previews, if the settings have them."""
        callbacks: list[lightning.Callback] = []
        if (health := self.config.callbacks.codebook_health) is not None:
            callbacks.append(
                instantiate(
                    asdict(health),
                    min_utilization=self.config.health.min_utilization,
                    fitting_codebook_size=self._fitting_codebook_size,
                )
            )
        if (previews := self.config.callbacks.previews) is not None:
            callbacks.append(
                instantiate(asdict(previews), run_dir=run_dir, model_name=self.config.name)
            )
        return callbacks

    def judge(self, module: StageModule, *, finished: bool) -> Judgement:
        """A verdict on the curves and codebooks, and the codebooks' figures on both sides."""
        assert isinstance(module, CodecModule)
        has_trained = module.history.epochs or module.trainer.global_step
        health = module.measure_health() if has_trained else None
        mel, network = module.spectrogram.config, module.vqvae_config
        words = verdict(
            module.history,
            health,
            min_utilization=self.config.health.min_utilization,
            finished=finished,
            held_out_sounds=self.data.held_out_sounds,
        )
        rating = rate_best(module.history)
        ahead = outlook(module.history, finished=finished, elapsed_s=module.clock.elapsed_s)
        return Judgement(
            "; ".join(filter(None, [words, describe_sound(rating, ahead)])),
            {
                "closeness": rating and rating.closeness.value,
                "worst_figure": rating and rating.worst,
                "mel_db_ten_minutes_on": ahead.likely_db,
                "held_out_sounds": self.data.held_out_sounds,
                "codebook_size": network.codebook_size,
                "bitrate_kbps": bitrate_kbps(
                    sample_rate_hz=mel.sample_rate_hz,
                    hop_length=mel.hop_length,
                    n_mels=mel.n_mels,
                    stride=module.model.stride,
                    levels=network.num_quantizers,
                    codebook_size=network.codebook_size,
                ),
                **_health(health, ""),
                **_health(module.val_health, "val_"),
            },
        )

    def write_page(self, module: StageModule, run_dir: Path, *, verdict: str) -> Path | None:
        """A page with some of the held-out sounds."""
        assert isinstance(module, CodecModule)
        if not module.history.epochs:
            return None
        intro = [
            f"Held-out sounds of this run: {verdict}.",
            "The verdict is about all of them; the figures below are those of the sounds shown.",
        ]
        module.eval()
        return write_held_out_page(
            module.codec, self.data.val, run_dir, vocoders=module.vocoders(), intro=intro
        )


def _health(side: SideHealth | None, prefix: str) -> dict[str, Any]:
    return {
        f"{prefix}health": side.snapshot() if side else {},
        f"{prefix}health_positions": side.positions if side else 0,
    }
