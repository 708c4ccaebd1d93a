"""batches of segments → a trained vocoder of an installed package."""

from __future__ import annotations

import torch
from torch import Tensor

from distill.data.segments import Segment
from distill.training.vocoder.module import BETAS, VocoderModule
from distill.vocoder.trained import TrainedVocoder


class PluginModule(VocoderModule):
    """Trains a TrainedVocoder by its own loss."""

    model: TrainedVocoder
    terms = ("loss",)

    def build(self) -> TrainedVocoder:
        """The network, with the weights that it is to begin with."""
        network: TrainedVocoder = self.network_config.build()
        if self.start is not None:
            self.start(network)
        return network

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW."""
        return torch.optim.AdamW(
            self.model.parameters(), lr=self.lr, betas=BETAS, weight_decay=self.weight_decay
        )

    def losses(self, batch: Segment) -> tuple[dict[str, Tensor], int]:
        """A batch of segments → the loss; a share of their mels is decoded."""
        waveform = batch["waveform"]
        return self._loss(waveform, decoded=self.decoded_of(waveform)), len(waveform)

    def held_out(self, waveform: Tensor) -> dict[str, Tensor]:
        """Waveforms (B, 1, T) → the loss."""
        return self._loss(waveform, decoded=len(waveform))

    def _loss(self, waveform: Tensor, *, decoded: int) -> dict[str, Tensor]:
        decibels = self.decibels(waveform, decoded=decoded)
        samples = (decibels.shape[-1] - 1) * self.codec.spectrogram.config.hop_length
        return {"loss": self.model.loss(decibels, waveform[:, 0, :samples])}
