"""fixed training segments + current weights → how often each code is used."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from distill.data.datamodule import SoundDataModule
from distill.model.mel import LogMel
from distill.model.vqvae import ConvVQVAE
from distill.training.health import count_codes


class CodebookProbe:
    """Counts codes over the same training segments each time, unmoved and unaugmented.

    The segments' mels are made once and kept on the CPU: a few MiB, however large the collection.
    """

    def __init__(
        self, data: SoundDataModule, spectrogram: LogMel, *, stride: int, positions: int
    ) -> None:
        self.batches: list[tuple[Tensor, Tensor]] = []
        """Mels (B, 1, M, F) and sounding frames (B, F)."""
        config = spectrogram.config
        sounding_samples = data.train.sounding_samples() / len(data.train)
        # a little more than the mean asks for: the chosen segments may be shorter than the others
        cells = config.n_mels * sounding_samples / config.hop_length
        for batch in data.fixed_train_loader(math.ceil(1.2 * positions * stride**2 / cells)):
            mel = spectrogram(batch["waveform"])
            lengths = torch.as_tensor(batch["sounding"])
            frames = spectrogram.sounding(lengths, frames=mel.shape[-1])
            self.batches.append((mel, frames))

    def count(self, model: ConvVQVAE, device: torch.device) -> Tensor:
        """Counts (L, K) int64 of the model's codes in eval mode; the model is left in its mode."""
        training = model.training
        model.eval()
        with torch.inference_mode():
            counts = [
                count_codes(
                    model.encode(mel.to(device)),
                    sounding.to(device),
                    stride=model.stride,
                    codebook_size=model.config.codebook_size,
                )
                for mel, sounding in self.batches
            ]
        model.train(training)
        return torch.stack(counts).sum(0)
