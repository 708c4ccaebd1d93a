"""batches of segments → a trained vocoder network, and its held-out figures."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor

from distill.data.segments import Segment
from distill.model.quantizer import require_finite
from distill.settings.schema import OptimizerConfig
from distill.training.records.history import TermMeans
from distill.training.stage_module import StageModule
from distill.training.steps.schedule import Limits
from distill.training.trained_codec import TrainedCodec
from distill.vocoder.mel_inverse import MelInverse
from distill.vocoder.phase_loss import PhaseLoss, band_weights, phase_loss
from distill.vocoder.phase_network import PhaseNetwork, PhaseNetworkConfig
from distill.vocoder.starter import start_from_starter


class VocoderModule(StageModule):
    """Trains a PhaseNetwork on the sounds' spectra, from their own mels and decoded ones."""

    stage = "vocoder"
    model: PhaseNetwork
    terms = ("loss", "magnitude", "in_time", "in_frequency")

    def __init__(
        self,
        network: PhaseNetworkConfig,
        codec: TrainedCodec,
        *,
        decoded_share: float,
        starter: bool,
        limits: Limits,
        optimizer: OptimizerConfig,
        weight_decay: float,
        seed: int,
    ) -> None:
        super().__init__(limits=limits, optimizer=optimizer, seed=seed)
        self.network_config = network
        self.decoded_share = decoded_share
        self.starter = starter
        self.weight_decay = weight_decay
        self._codec = (codec,)  # in a tuple, so that checkpoints do not hold its weights
        self._val_loss = TermMeans(self.terms)

    @property
    def codec(self) -> TrainedCodec:
        """The codec, on this module's device."""
        return self._codec[0].to(self.device)

    def build(self) -> PhaseNetwork:
        """The network, with the starter weights if they are to be used."""
        network = PhaseNetwork(self.network_config)
        if self.starter:
            start_from_starter(network)
        return network

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW: Muon, tried for a minute from random weights, learnt the steps more slowly."""
        assert self.optimizer_config.lr is not None
        return torch.optim.AdamW(
            self.model.parameters(),
            lr=self.optimizer_config.lr,
            betas=(0.8, 0.99),
            weight_decay=self.weight_decay,
        )

    @property
    def identity(self) -> object:
        """Digest of the codec, and the network's configuration."""
        return self.codec.digest, self.network_config

    def losses(self, batch: Segment) -> tuple[dict[str, Tensor], int]:
        """A batch of segments → the terms of the loss; a share of their mels is decoded."""
        waveform = batch["waveform"]
        loss = self._loss(waveform, decoded=round(self.decoded_share * len(waveform)))
        return loss._asdict() | {"loss": loss.total}, len(waveform)

    def add_held_out(self, batch: Segment) -> None:
        """Add a batch's loss, all of it with decoded mels, as the vocoder is used."""
        waveform = batch["waveform"]
        sounds = int(cast(Tensor, batch["sound_end"]).count_nonzero())
        with torch.autocast(self.device.type, enabled=False):
            loss = self._loss(waveform, decoded=len(waveform))
        self._val_loss.add(loss._asdict() | {"loss": loss.total}, sounds)

    def close_held_out(self) -> dict[str, float]:
        """Return the held-out loss and its terms."""
        means = self._val_loss.take(self.over_ranks)
        if self.trainer.sanity_checking:
            return {}
        return {f"val/{name}": value for name, value in means.items()}

    def bundle_fields(self) -> dict[str, Any]:
        """What a checkpoint says of the codec that it belongs to."""
        return {"codec_digest": self.codec.digest}

    def _loss(self, waveform: Tensor, *, decoded: int) -> PhaseLoss:
        """Waveforms (B, 1, T) → loss; of the first ones the mels are decoded."""
        codec = self.codec
        config = codec.spectrogram.config
        with torch.no_grad(), torch.autocast(self.device.type, enabled=False):
            window = torch.hann_window(config.n_fft, device=self.device)
            spectrum = torch.stft(
                waveform[:, 0].float(),
                config.n_fft,
                config.hop_length,
                window=window,
                return_complex=True,
            )
            inverse = MelInverse(codec.spectrogram.filters)
            mel = inverse.mel(spectrum.abs())
            require_finite(mel, "the batch holds NaN or infinity", on_all_ranks=self.several_ranks)
            if decoded:
                given = codec.spectrogram.normalise(mel[:decoded, None])
                said = codec.spectrogram.to_magnitude(codec.network(given).mel)
                mel = torch.cat([said[:, 0], mel[decoded:]])
            inverted = inverse.magnitude(mel)
            decibels = codec.spectrogram.decibels(mel)
        return phase_loss(
            self.model(decibels),
            inverted,
            spectrum,
            weights=band_weights(len(inverted[0]), sample_rate_hz=config.sample_rate_hz).to(
                self.device
            ),
            n_fft=config.n_fft,
            hop_length=config.hop_length,
        )
