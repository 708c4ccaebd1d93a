"""waveform (B, 1, T) → normalised log-mel (B, 1, M, F), and back to magnitude."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torchaudio.transforms import MelSpectrogram

from distill.model.filters import without_torchaudio_warning

# samples transformed at once on a CPU, about three seconds: the transform's intermediate values
# then fit into the CPU's caches, which is faster
PIECE_SAMPLES = 1 << 17


@dataclass(frozen=True)
class SpectrogramConfig:
    """The settings of the front end: its mel filter bank, and the normalisation measured on a
    collection.
    """

    sample_rate_hz: int
    n_fft: int
    hop_length: int
    n_mels: int
    floor: float
    mean_db: float
    std_db: float

    @property
    def floor_db(self) -> float:
        """Digital silence in dB."""
        return 20.0 * torch.log10(torch.tensor(self.floor)).item()

    @property
    def floor_normalised(self) -> float:
        """The normalised value of digital silence."""
        return (self.floor_db - self.mean_db) / self.std_db


class LogMel(nn.Module):
    """Magnitude mel (HTK scale, no filter normalisation) in dB, floored, then shifted and scaled.

    The project's mel error is measured in these dB, with 48 kHz, n_fft 2048, hop 512, 128 mels and
    floor 1e-3.
    """

    def __init__(self, config: SpectrogramConfig) -> None:
        super().__init__()
        self.config = config
        with without_torchaudio_warning():
            self._mel = MelSpectrogram(
                config.sample_rate_hz,
                n_fft=config.n_fft,
                hop_length=config.hop_length,
                n_mels=config.n_mels,
                power=1.0,
            )
        # torch reflects half a window at the edges, which needs more samples than that; shorter
        # input is padded
        self._shortest = config.n_fft // 2 + 1

    @property
    def filters(self) -> Tensor:
        """The mel filters (bins, M), with n_fft // 2 + 1 bins."""
        return cast(Tensor, self._mel.mel_scale.fb)

    def frames(self, samples: int) -> int:
        """The number of mel frames F of a waveform with T samples."""
        return max(samples, self._shortest) // self.config.hop_length + 1

    def sounding_frames(self, begins: Tensor, ends: Tensor, *, frames: int) -> Tensor:
        """Where sounds begin and end (B,), in samples → (B, F) bool: frames whose window reaches
        into the sound, not only the padding on either side. None if a sound does not end after its
        beginning.
        """
        half, hop = self.config.n_fft // 2, self.config.hop_length
        centres = hop * torch.arange(frames, device=ends.device)
        reached = (centres > begins[:, None] - half) & (centres <= ends[:, None] + half)
        return reached & (begins < ends)[:, None]

    def magnitude(self, waveform: Tensor) -> Tensor:
        """Waveform (B, 1, T) float32 → magnitude mel (B, 1, M, F), F = frames(T)."""
        short = self._shortest - waveform.shape[-1]
        if short > 0:
            waveform = nn.functional.pad(waveform, (0, short))
        sounds, at_once = len(waveform), len(waveform)
        if waveform.device.type == "cpu":
            at_once = max(1, PIECE_SAMPLES // waveform.shape[-1])
        if at_once >= sounds:
            return cast(Tensor, self._mel(waveform))
        return torch.cat([self._mel(piece) for piece in waveform.split(at_once)])

    def forward(self, waveform: Tensor) -> Tensor:
        """Waveform (B, 1, T) float32 → normalised log-mel (B, 1, M, F) float32."""
        return self.normalise(self.magnitude(waveform))

    def normalise(self, magnitude: Tensor) -> Tensor:
        """Magnitude mel of any shape → normalised log-mel of that shape."""
        return (self.decibels(magnitude) - self.config.mean_db) / self.config.std_db

    def decibels(self, magnitude: Tensor) -> Tensor:
        """Magnitude mel of any shape → dB, at least the floor."""
        return 20.0 * torch.log10(magnitude.clamp(min=self.config.floor))

    def to_decibels(self, log_mel: Tensor) -> Tensor:
        """Normalised log-mel of any shape → dB, at least the floor."""
        floor_db = 20.0 * torch.log10(torch.tensor(self.config.floor))
        return (log_mel * self.config.std_db + self.config.mean_db).clamp(min=floor_db.item())

    def to_magnitude(self, log_mel: Tensor) -> Tensor:
        """Normalised log-mel of any shape → magnitude mel; values at the floor give 0."""
        magnitude = 10.0 ** (self.to_decibels(log_mel) / 20.0)
        return magnitude.where(magnitude > self.config.floor, torch.zeros_like(magnitude))
