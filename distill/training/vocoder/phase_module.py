"""batches of segments → a trained network of phase steps, and its held-out figures."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from distill.data.segments import Segment
from distill.training.vocoder.module import BETAS, VocoderModule
from distill.vocoder.mel_inverse import MelInverse
from distill.vocoder.phase_loss import PhaseLoss, band_weights, phase_loss
from distill.vocoder.phase_network import PhaseNetwork

DECAY_TO_START = 2.0
"""Times the learning rate: the share of the way that each step goes back to the weights given."""


class PhaseModule(VocoderModule):
    """Trains a PhaseNetwork on the sounds' spectra."""

    model: PhaseNetwork
    terms = ("loss", "magnitude", "in_time", "in_frequency", "onset")
    held_out_terms = terms

    def __init__(self, *args: Any, **options: Any) -> None:
        """Options as for VocoderModule."""
        super().__init__(*args, **options)
        self._start: list[Tensor] = []
        """The weights that the network began with, if they were given."""

    def build(self) -> PhaseNetwork:
        """The network, with the weights that it is to begin with."""
        network = PhaseNetwork(self.network_config)
        if self.start is not None:
            self.start(network)
        return network

    def configure_model(self) -> None:
        """Build the network, and keep what it began with."""
        super().configure_model()
        if self.start is not None and not self._start:
            self._start = [weight.detach().clone() for weight in self.build().parameters()]

    def optimizer_step(self, *args: Any, **options: Any) -> None:
        """A step, and one back towards the weights given: few sounds say little of how phases go
        on in general (L2-SP: Li, Grandvalet and Davoine, arXiv:1802.01483).
        """
        super().optimizer_step(*args, **options)
        if self._start:
            (optimizer,) = self.trainer.optimizers
            share = optimizer.param_groups[0]["lr"] * DECAY_TO_START
            self._start = [each.to(self.device) for each in self._start]
            with torch.no_grad():
                torch._foreach_lerp_(list(self.model.parameters()), self._start, share)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW: Muon, tried for a minute from random weights, learnt the steps more slowly."""
        return torch.optim.AdamW(
            self.model.parameters(), lr=self.lr, betas=BETAS, weight_decay=self.weight_decay
        )

    def losses(self, batch: Segment) -> tuple[dict[str, Tensor], int]:
        """A batch of segments → the terms of the loss; a share of their mels is decoded."""
        waveform = batch["waveform"]
        loss = self._loss(waveform, decoded=self.decoded_of(waveform))
        return loss._asdict() | {"loss": loss.total}, len(waveform)

    def held_out(self, waveform: Tensor) -> dict[str, Tensor]:
        """Waveforms (B, 1, T) → the terms of the loss."""
        loss = self._loss(waveform, decoded=len(waveform))
        return loss._asdict() | {"loss": loss.total}

    def _loss(self, waveform: Tensor, *, decoded: int) -> PhaseLoss:
        """Waveforms (B, 1, T) → loss; of the first ones the mels are decoded."""
        spectrogram = self.codec.spectrogram
        config = spectrogram.config
        with torch.no_grad(), torch.autocast(self.device.type, enabled=False):
            spectrum = torch.stft(
                waveform[:, 0].float(),
                config.n_fft,
                config.hop_length,
                window=torch.hann_window(config.n_fft, device=self.device),
                return_complex=True,
            )
            inverse = MelInverse(spectrogram.filters)
            mel = self.mels(inverse.mel(spectrum.abs()), decoded=decoded)
            inverted = inverse.magnitude(mel)
            decibels = spectrogram.decibels(mel)
        weights = band_weights(len(inverted[0]), sample_rate_hz=config.sample_rate_hz)
        return phase_loss(
            self.model(decibels),
            inverted,
            spectrum,
            waveform[:, 0],
            weights=weights.to(self.device),
            config=config,
        )
