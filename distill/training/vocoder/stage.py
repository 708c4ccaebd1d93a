"""the vocoder as a stage of a run: a network that turns the codec's mels into sound."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeGuard

import lightning
from hydra.utils import instantiate

from distill.bundle.reader import read_bundle
from distill.bundle.rebuild import rebuild_codec, rebuild_vocoder
from distill.codec.codec import Codec
from distill.data.datamodule import SegmentDataModule
from distill.data.split import FEWEST_HELD_OUT
from distill.model.mel import SpectrogramConfig
from distill.model.sizing import Choice
from distill.runs.folder import best_bundle
from distill.settings.vocoders import HifiGanVocoderConfig, PhaseVocoderConfig, VocoderConfig
from distill.system.terminal import quantity
from distill.training.beginning import base_of, base_vocoder, start_from
from distill.training.listening import write_held_out_page
from distill.training.stage import Closed, Ended, Prepared, Stage
from distill.training.vocoder.comparison import MOST_SOUNDS, Comparer, Comparison
from distill.training.vocoder.hifigan_module import HifiGanModule
from distill.training.vocoder.module import VocoderModule
from distill.training.vocoder.phase_module import PhaseModule
from distill.training.vocoder.plugin_module import PluginModule
from distill.training.vocoder.sizes import network_config, require_one_device
from distill.vocoder.hifigan_network import HifiGanConfig
from distill.vocoder.kinds import VocoderNetwork, state_of, vocoder_of
from distill.vocoder.phase_network import PhaseNetworkConfig
from distill.vocoder.starter import difference_from_starter, start_from_starter
from distill.vocoder.trained import TrainedVocoderConfig
from distill.vocoder.vocoder import Vocoder, default_vocoder

LR, STARTER_LR = 0.003, 0.001
HIFIGAN_LR, PLUGIN_LR = 0.0005, 0.001


@dataclass(frozen=True)
class Opponent:
    """The vocoder that the model has until now, its own or the default one."""

    vocoder: Vocoder
    name: str


@dataclass(frozen=True, kw_only=True)
class PreparedVocoder(Prepared):
    """A vocoder, and the collection's segments, as for the codec."""

    module: VocoderModule
    data: SegmentDataModule
    before: VocoderNetwork | None
    """Of the vocoder that the model has until now, if it has one of its own."""

    @property
    def opponent(self) -> Opponent:
        """What the new one is compared with."""
        spectrogram = self.module.codec.spectrogram
        if self.before is None:
            vocoder = default_vocoder(spectrogram)
            return Opponent(vocoder, vocoder.name)
        vocoder = vocoder_of(self.before, spectrogram)
        return Opponent(vocoder, f"its earlier {vocoder.name}")


class VocoderStage(Stage[PreparedVocoder]):
    """Comes after the codec, whose best weights it works with."""

    name = VocoderModule.stage
    monitor = "val/loss"
    limits_in = "vocoder"

    def complete(self) -> list[Choice[float | str]]:
        """Turn off starter weights that do not fit, and choose the learning rate.

        Raises RunError for mels or devices that the vocoder cannot be trained with.
        """
        config, choices = self.config.vocoder, list[Choice[float | str]]()
        known = {key: value for key, value in asdict(self.config.mel).items() if value is not None}
        mel = SpectrogramConfig(**{"mean_db": 0.0, "std_db": 1.0} | known)
        network = network_config(config, mel)
        if (base := self._base(network)) is not None:
            if isinstance(config, PhaseVocoderConfig):
                config.starter = None
        elif _has_starter(config) and isinstance(network, PhaseNetworkConfig):
            reason = difference_from_starter(network, mel)
            if reason is not None:
                config.starter = None
                choices.append(Choice("vocoder's starter weights", "none", reason))
        if config.lr is None:
            config.lr = STARTER_LR if base or _has_starter(config) else LR
            if isinstance(network, HifiGanConfig):
                config.lr = HIFIGAN_LR
            elif isinstance(network, TrainedVocoderConfig):
                config.lr = PLUGIN_LR
            kind = "the base's" if base else "starter" if _has_starter(config) else "random"
            start = f"from {kind} weights"
            choices.append(Choice("vocoder's learning rate", config.lr, start, is_detail=True))
        if isinstance(network, HifiGanConfig):
            require_one_device(self.config.trainer.devices)
        return choices

    def prepare(self) -> PreparedVocoder:
        """A module with the codec of the run's best bundle. Raises BundleError."""
        content = read_bundle(best_bundle(self.run_dir))
        before = rebuild_vocoder(content)
        module = self._module(rebuild_codec(content))
        return PreparedVocoder(
            module=module, data=self.data, callbacks=self._callbacks(), before=before
        )

    def close(self, prepared: PreparedVocoder, ended: Ended) -> Closed:
        """Whether it is better on held-out sounds than the vocoder that the model has, and takes
        its place.
        """
        module, opponent = prepared.module, prepared.opponent
        if not ended.finished or not module.history.epochs:
            return Closed(f"stopped: the model still has {opponent.name}")
        ended.load_best(module)  # what is judged is what is kept
        own = module.vocoders()["result"]
        comparer = Comparer(module.codec, prepared.data, most=MOST_SOUNDS)
        compared = comparer.compare(own, opponent.vocoder, name=opponent.name)
        words, sounds = compared.verdict, self.data.held_out_sounds
        if sounds is not None and sounds < FEWEST_HELD_OUT:
            words += f"; weak figures: only {quantity(sounds, 'sound')} held out"
        return Closed(
            words,
            compared.details,
            addition=self._state(module) if compared.is_better else {},
            page=self._page(module.codec, compared, own=own, other=opponent.vocoder, verdict=words),
        )

    def _module(self, codec: Codec) -> VocoderModule:
        config = self.config.vocoder
        network = network_config(config, codec.spectrogram.config)
        options: dict[str, Any] = {
            "decoded_share": config.decoded_share,
            "limits": self.limits(self.config),
            "optimizer": replace(self.config.optimizer, lr=config.lr),
            "weight_decay": config.weight_decay,
            "seed": self.config.seed,
        }
        if (base := self._base(network)) is not None:
            options["start"] = partial(start_from, weights=base.state_dict())
        elif _has_starter(config):
            options["start"] = start_from_starter
        if isinstance(config, HifiGanVocoderConfig):
            options["spectral_steps"] = config.spectral_steps
            options["discriminator_channels"] = config.discriminator_channels
            return HifiGanModule(network, codec, **options)
        if isinstance(network, TrainedVocoderConfig):
            return PluginModule(network, codec, **options)
        return PhaseModule(network, codec, **options)

    def _base(
        self, network: PhaseNetworkConfig | HifiGanConfig | TrainedVocoderConfig
    ) -> VocoderNetwork | None:
        """What the network begins with: that of the model that the run trains again, if it has one
        of these sizes.
        """
        content = base_of(self.config, self.run_dir)
        base = None if content is None else base_vocoder(content)
        return base if base is not None and base.config == network else None

    def _callbacks(self) -> list[lightning.Callback]:
        """Previews, if the settings have them."""
        previews = self.config.callbacks.previews
        if previews is None:
            return []
        more = {"run_dir": self.run_dir, "model_name": self.config.name, "prefix": self.name}
        return [instantiate(asdict(previews), **more)]

    def _state(self, module: VocoderModule) -> dict[str, Any]:
        """The vocoder as a bundle holds it."""
        history = module.history
        training = {
            "epochs": history.epochs,
            "final_loss": history.of_epoch(history.best_epoch(self.monitor))[self.monitor],
            "training_date": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "dataset_name": self.source.name,
            "dataset_fingerprint": self.source.fingerprint,
        }
        return {"vocoder_state": {**state_of(module.model), "training_metadata": training}}

    def _page(
        self, codec: Codec, compared: Comparison, *, own: Vocoder, other: Vocoder, verdict: str
    ) -> Callable[[], Path | None]:
        """Writes a page with some of the held-out sounds, by this vocoder and the one that it was
        compared with; its result is what the model gives.
        """
        name = compared.default_name
        if compared.is_better:
            vocoders = {"result": own, "without": other}
            said = f"Result is by the vocoder that this run trained, without by {name}."
        else:
            vocoders = {"result": other, "rejected": own}
            said = f"Result is by {name}, rejected by the vocoder that this run trained."
        intro = [
            f"Held-out sounds of this run. The vocoder: {verdict}.",
            said,
            "The figures beside a sound are the codec's, of its mel, before a vocoder makes sound "
            "of it; rise and pre-ring are those of the result.",
        ]
        return partial(
            write_held_out_page, codec, self.data, self.run_dir, vocoders=vocoders, intro=intro
        )


def _has_starter(config: VocoderConfig) -> TypeGuard[PhaseVocoderConfig]:
    """Whether the network begins with starter weights, which only one type of vocoder has."""
    return isinstance(config, PhaseVocoderConfig) and config.starter is not None
