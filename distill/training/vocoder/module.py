"""what the modules of all vocoders share: the codec, its decoded mels, held-out figures."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, cast

import torch
from torch import Tensor

from distill.codec.codec import Codec
from distill.data.datamodule import SegmentDataModule
from distill.data.segments import Segment
from distill.model.quantizer import require_finite
from distill.settings.schema import OptimizerConfig
from distill.training.records.means import TermMeans
from distill.training.stage_module import StageModule
from distill.training.steps.schedule import StageLimits
from distill.training.vocoder.comparison import Comparer, Comparison
from distill.vocoder.kinds import VocoderNetwork, vocoder_of
from distill.vocoder.vocoder import Vocoder, default_vocoder

SOUNDS_AN_EPOCH = 8
"""Held-out sounds that are listened to after each epoch, at most."""
CLOSING_COMPARISONS = 2.5
"""The closing takes this many times as long as the first comparison after an epoch, in which both
vocoders are heard: it compares up to three times as many sounds, and writes a page.
"""
BETAS = (0.8, 0.99)
"""Of AdamW, as for other vocoders (HiFi-GAN, Vocos)."""


class VocoderModule(StageModule):
    """Trains a network that turns mels into sound, on the sounds' own mels and on decoded ones."""

    stage = "vocoder"
    model: VocoderNetwork
    end_steps, closing_steps = 15.0, 20.0
    held_out_terms: ClassVar[tuple[str, ...]] = ("loss",)
    """Names of the losses that `held_out` returns."""

    def __init__(
        self,
        network: Any,
        codec: Codec,
        *,
        decoded_share: float,
        limits: StageLimits,
        optimizer: OptimizerConfig,
        weight_decay: float,
        seed: int,
        start: Callable[[Any], None] | None = None,
    ) -> None:
        """`network` is its configuration; `start` gives the network the weights that it begins
        with.
        """
        super().__init__(limits=limits, optimizer=optimizer, seed=seed)
        self.network_config = network
        self.start = start
        self.decoded_share = decoded_share
        self.weight_decay = weight_decay
        self._codec = (codec,)  # in a tuple, so that checkpoints do not hold its weights
        self._val_loss = TermMeans(self.held_out_terms)
        self._comparer: Comparer | None = None
        self._compared: Comparison | None = None
        self._compared_in_s = 0.0

    @abstractmethod
    def held_out(self, waveform: Tensor) -> dict[str, Tensor]:
        """Waveforms (B, 1, T) → their losses, with decoded mels, as the vocoder is used."""

    @property
    def codec(self) -> Codec:
        """The codec, on this module's device."""
        return self._codec[0].to(self.device)

    def vocoders(self) -> dict[str, Vocoder]:
        """What makes the sound of previews and of the page: this one, and the default one."""
        spectrogram = self.codec.spectrogram
        return {
            "result": vocoder_of(self.model, spectrogram),
            "without": default_vocoder(spectrogram),
        }

    @property
    def identity(self) -> object:
        """Digest of the codec, and the network's configuration."""
        return self.codec.digest, self.network_config

    @property
    def lr(self) -> float:
        """The highest learning rate."""
        assert self.optimizer_config.lr is not None
        return self.optimizer_config.lr

    @torch.no_grad()
    def mels(self, magnitude: Tensor, *, decoded: int) -> Tensor:
        """Magnitude mels (B, M, F) → the same, the first ones as the codec decodes them."""
        require_finite(
            magnitude, "the batch holds NaN or infinity", on_all_ranks=self.several_ranks
        )
        if not decoded:
            return magnitude
        codec = self.codec
        given = codec.spectrogram.normalise(magnitude[:decoded, None])
        said = codec.spectrogram.to_magnitude(codec.network(given).mel)
        return torch.cat([said[:, 0], magnitude[decoded:]])

    def decibels(self, waveform: Tensor, *, decoded: int) -> Tensor:
        """Waveforms (B, 1, T) → mels in dB (B, M, F), the first ones as the codec decodes them."""
        spectrogram = self.codec.spectrogram
        with torch.no_grad(), torch.autocast(self.device.type, enabled=False):
            magnitude = spectrogram.magnitude(waveform.float())[:, 0]
            return spectrogram.decibels(self.mels(magnitude, decoded=decoded))

    def decoded_of(self, waveform: Tensor) -> int:
        """How many sounds of a training batch come as decoded mels."""
        return round(self.decoded_share * len(waveform))

    def add_held_out(self, batch: Segment) -> None:
        """Add a batch's loss."""
        waveform = batch["waveform"]
        sounds = int(cast(Tensor, batch["sound_end"]).count_nonzero())
        with torch.autocast(self.device.type, enabled=False):
            self._val_loss.add(self.held_out(waveform), sounds)

    def close_held_out(self) -> dict[str, float]:
        """Return the held-out loss and its terms."""
        means = self._val_loss.take(self.over_ranks)
        if self.trainer.sanity_checking:
            return {}
        if self.trainer.is_global_zero:
            self._compare()
        return {f"val/{name}": value for name, value in means.items()}

    def _compare(self) -> None:
        """Measure how some held-out sounds come back, beside the default vocoder."""
        begun_s = time.monotonic()
        if self._comparer is None:
            data = cast(SegmentDataModule, self.trainer.datamodule)  # type: ignore[attr-defined]
            self._comparer = Comparer(self.codec, data, most=SOUNDS_AN_EPOCH)
        own, default = self.vocoders().values()
        self._compared = self._comparer.compare(own, default)
        self._compared_in_s = max(self._compared_in_s, time.monotonic() - begun_s)

    def closing_s(self, step_s: float) -> float:
        """By the longest comparison so far, once there is one."""
        return CLOSING_COMPARISONS * self._compared_in_s or super().closing_s(step_s)

    def epoch_details(self) -> dict[str, Any]:
        """How the held-out sounds come back."""
        if self._compared is None:
            return {}
        return {"heard": self._compared.figures, **self._compared.details}

    def metrics(self) -> dict[str, float]:
        """The same for the loggers."""
        if self._compared is None:
            return {}
        own = self._compared.own
        errors = {"heard/mel_db": own.mel_db, "heard/fine_db": own.fine_db}
        return errors | {f"heard/{key}": value for key, value in own.of_attacks.items()}

    def charts(self) -> dict[str, dict[str, Sequence[Any]]]:
        """The losses, and how sharply the sounds begin, beside their originals."""
        pairs = (f"heard/{name}" for name in ("rise_ms", "original_rise_ms"))
        return super().charts() | {"heard": {"rise": ["Multiline", list(pairs)]}}

    def bundle_fields(self) -> dict[str, Any]:
        """What a checkpoint says of the codec that it belongs to."""
        return {"codec_digest": self.codec.digest}
