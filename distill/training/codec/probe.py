"""fixed training segments + current weights → how often each code is used."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from distill.data.datamodule import SegmentDataModule
from distill.model.mel import LogMel
from distill.model.vqvae import ConvVQVAE
from distill.training.codec.health import count_codes


class CodebookProbe:
    """Counts codes over the same training segments each time, without augmentation; each rank
    counts its share of them.

    The segments' mels are computed once and kept on the CPU: a few MiB for any collection.
    """

    def __init__(
        self,
        data: SegmentDataModule,
        spectrogram: LogMel,
        *,
        stride: int,
        positions: int,
        rank: int = 0,
        ranks: int = 1,
    ) -> None:
        self.batches: list[tuple[Tensor, Tensor]] = []
        """Mels (B, 1, M, F) and sounding frames (B, F)."""
        config = spectrogram.config
        sounding_samples = data.train.sounding_samples() / len(data.train)
        # a fifth more than by the mean length: the chosen segments may be shorter than that
        cells = config.n_mels * sounding_samples / config.hop_length
        segments = math.ceil(1.2 * positions * stride**2 / cells)
        for batch in data.fixed_train_loader(segments, rank=rank, ranks=ranks):
            mel = spectrogram(batch["waveform"])
            begins, ends = map(torch.as_tensor, (batch["sound_begin"], batch["sound_end"]))
            frames = spectrogram.sounding_frames(begins, ends, frames=mel.shape[-1])
            self.batches.append((mel, frames))

    def count(self, model: ConvVQVAE, device: torch.device) -> Tensor:
        """Counts (L, K) int64 of the model's codes in eval mode, with the largest K of all
        levels; the model's mode is restored.
        """
        training = model.training
        model.eval()
        sizes = model.config.sizes
        counts = torch.zeros(len(sizes), max(sizes), dtype=torch.int64, device=device)
        with torch.inference_mode():
            for mel, sounding in self.batches:
                codes = model.encode(mel.to(device))
                counts += count_codes(
                    codes, sounding.to(device), stride=model.stride, codebook_size=max(sizes)
                )
        model.train(training)
        return counts
