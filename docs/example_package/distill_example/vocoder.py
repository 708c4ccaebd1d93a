"""A vocoder that is as small as one can be: every frame gives its samples."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from distill.model.mel import SpectrogramConfig
from distill.vocoder.trained import TrainedVocoder


class PlainVocoder(TrainedVocoder):
    """Two convolutions over frames; the last has a channel for each sample of a frame."""

    title = "Plain"

    def __init__(self, mel: SpectrogramConfig, *, channels: int = 64) -> None:
        super().__init__(mel)
        self.net = nn.Sequential(
            nn.Conv1d(mel.n_mels, channels, 3, padding=1),
            nn.GELU(),
            nn.Conv1d(channels, mel.hop_length, 3, padding=1),
        )

    @property
    def context(self) -> int:
        """Two convolutions reach two frames far."""
        return 2

    def forward(self, mel_db: Tensor) -> Tensor:
        """(B, M, F) → (B, F · hop length)."""
        return torch.tanh(self.net(mel_db / 40).transpose(1, 2).flatten(1))

    def loss(self, mel_db: Tensor, waveform: Tensor) -> Tensor:
        """How far the magnitudes of its sound are from those of the true one."""
        made = self(mel_db)[:, : waveform.shape[-1]]
        window = torch.hann_window(512, device=made.device)
        one, other = (
            torch.stft(each.float(), 512, 128, window=window, return_complex=True).abs()
            for each in (made, waveform)
        )
        return (one - other).abs().mean()
