"""the vocoder as a stage of a run: a network that turns the codec's mels into sound."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeGuard, cast

import lightning
from hydra.utils import instantiate

from distill.bundle.reader import read_bundle
from distill.bundle.rebuild import rebuild_codec, rebuild_vocoder
from distill.data.datamodule import SegmentDataModule
from distill.data.split import FEWEST_HELD_OUT
from distill.model.mel import SpectrogramConfig
from distill.settings.schema import (
    HifiGanVocoderConfig,
    PhaseVocoderConfig,
    TrainConfig,
    VocoderConfig,
)
from distill.system.terminal import counted
from distill.training.listening import write_held_out_page
from distill.training.stage import ChosenSetting, Judgement, Stage
from distill.training.stage_module import StageModule
from distill.training.steps.schedule import StageLimits
from distill.training.vocoder.comparison import MOST_SOUNDS, Comparer, Comparison
from distill.training.vocoder.hifigan_module import HifiGanModule
from distill.training.vocoder.module import VocoderModule
from distill.training.vocoder.phase_module import PhaseModule
from distill.training.vocoder.sizes import network_config, require_one_device
from distill.vocoder.hifigan_network import HifiGanConfig
from distill.vocoder.kinds import VocoderNetwork, state_of, vocoder_of
from distill.vocoder.phase_network import PhaseNetworkConfig
from distill.vocoder.starter import difference_from_starter
from distill.vocoder.vocoder import Vocoder, default_vocoder

LR, STARTER_LR = 0.003, 0.001
HIFIGAN_LR = 0.0005


class VocoderStage(Stage):
    """Comes after the codec, whose best weights it works with."""

    name = VocoderModule.stage
    monitor = "val/loss"
    limits_in = "vocoder"

    def __init__(self, config: TrainConfig, source: Any, data: Any, bundle: Path) -> None:
        super().__init__(config, source, data, bundle)
        self._compared: Comparison | None = None
        self._present_network: VocoderNetwork | None = None
        """Of the vocoder that the model had before, if it has one of its own."""

    @staticmethod
    def limits(config: TrainConfig) -> StageLimits:
        """The limits under `vocoder`; steps that are not finite are met as in the codec."""
        trainer, vocoder = config.trainer, config.vocoder
        return StageLimits(
            vocoder.max_epochs,
            vocoder.max_minutes,
            trainer.gradient_clip_val,
            trainer.max_bad_steps,
        )

    def complete(self) -> list[ChosenSetting]:
        """Turn off starter weights that do not fit, and choose the learning rate.

        Raises RunError for mels or devices that the vocoder cannot be trained with.
        """
        config, choices = self.config.vocoder, []
        mel = SpectrogramConfig(**{"mean_db": 0.0, "std_db": 1.0} | _known(asdict(self.config.mel)))
        network = network_config(self.config.vocoder, mel)
        if _has_starter(config) and isinstance(network, PhaseNetworkConfig):
            reason = difference_from_starter(network, mel)
            if reason is not None:
                config.starter = None
                choices.append(ChosenSetting("vocoder's starter weights", "none", reason))
        if config.lr is None:
            config.lr = STARTER_LR if _has_starter(config) else LR
            if isinstance(network, HifiGanConfig):
                config.lr = HIFIGAN_LR
            start = "starter weights" if _has_starter(config) else "random weights"
            choices.append(
                ChosenSetting("vocoder's learning rate", config.lr, f"from {start}", is_detail=True)
            )
        if isinstance(network, HifiGanConfig):
            require_one_device(self.config.trainer.devices)
        return choices

    def data_module(self) -> SegmentDataModule:
        """The collection's segments, as for the codec."""
        return cast(SegmentDataModule, self.data)

    def module(self) -> VocoderModule:
        """The module, with the codec of the run's best bundle. Raises BundleError."""
        content = read_bundle(self.bundle)
        self._present_network = rebuild_vocoder(content)
        codec = rebuild_codec(content)
        config = self.config.vocoder
        network = network_config(config, codec.spectrogram.config)
        options: dict[str, Any] = {
            "decoded_share": config.decoded_share,
            "limits": self.limits(self.config),
            "optimizer": replace(self.config.optimizer, lr=config.lr),
            "weight_decay": config.weight_decay,
            "seed": self.config.seed,
        }
        if isinstance(config, HifiGanVocoderConfig):
            options["spectral_steps"] = config.spectral_steps
            options["discriminator_channels"] = config.discriminator_channels
            return HifiGanModule(network, codec, **options)
        return PhaseModule(network, codec, starter=_has_starter(config), **options)

    def callbacks(self, run_dir: Path) -> list[lightning.Callback]:
        """Previews, if the settings have them."""
        previews = self.config.callbacks.previews
        if previews is None:
            return []
        more = {"run_dir": run_dir, "model_name": self.config.name, "prefix": self.name}
        return [instantiate(asdict(previews), **more)]

    def judge(self, module: StageModule, *, finished: bool) -> Judgement:
        """Whether it is better on held-out sounds than the vocoder that the model has, its own or
        the default one, and takes its place.
        """
        assert isinstance(module, VocoderModule)
        if not finished or not module.history.epochs:
            return Judgement(f"stopped: the model still has {self._present_name(module)}")
        own, present = module.vocoders()["result"], self._present(module)
        comparer = Comparer(module.codec, self.data_module(), most=MOST_SOUNDS)
        self._compared = comparer.compare(own, present, name=self._present_name(module))
        words, sounds = self._compared.verdict, self.data.held_out_sounds
        if sounds is not None and sounds < FEWEST_HELD_OUT:
            words += f"; weak figures: only {counted(sounds, 'sound')} held out"
        return Judgement(words, self._compared.details)

    def write_page(self, module: StageModule, run_dir: Path, *, verdict: str) -> Path | None:
        """A page with some of the held-out sounds, by this vocoder and the one that it was compared
        with; its result is what the model gives.
        """
        assert isinstance(module, VocoderModule)
        if self._compared is None:
            return None
        own, present = module.vocoders()["result"], self._present(module)
        name = self._compared.default_name
        if self._compared.is_better:
            vocoders = {"result": own, "without": present}
            said = f"Result is by the vocoder that this run trained, without by {name}."
        else:
            vocoders = {"result": present, "rejected": own}
            said = f"Result is by {name}, rejected by the vocoder that this run trained."
        return write_held_out_page(
            module.codec,
            self.data.val,
            run_dir,
            vocoders=vocoders,
            intro=[
                f"Held-out sounds of this run. The vocoder: {verdict}.",
                said,
                "The figures and the word beside a sound are the codec's: of its mel, before a "
                "vocoder makes sound of it.",
            ],
        )

    def _present(self, module: VocoderModule) -> Vocoder:
        """The vocoder that the model has until now."""
        spectrogram = module.codec.spectrogram
        if self._present_network is None:
            return default_vocoder(spectrogram)
        return vocoder_of(self._present_network, spectrogram)

    def _present_name(self, module: VocoderModule) -> str:
        name = self._present(module).name
        return name if self._present_network is None else f"its earlier {name}"

    def addition(self, module: StageModule) -> dict[str, Any]:
        """The vocoder, if it is better than the one before."""
        if self._compared is None or not self._compared.is_better:
            return {}
        history = module.history
        best = history.best_epoch(self.monitor)
        return {
            "vocoder_state": {
                **state_of(cast(VocoderModule, module).model),
                "training_metadata": {
                    "epochs": history.epochs,
                    "final_loss": history.of_epoch(best)[self.monitor],
                    "training_date": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
                },
            }
        }


def _has_starter(config: VocoderConfig) -> TypeGuard[PhaseVocoderConfig]:
    """Whether the network begins with starter weights, which only one type of vocoder has."""
    return isinstance(config, PhaseVocoderConfig) and config.starter is not None


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
