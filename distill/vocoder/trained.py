"""mel → waveform by a network of an installed package: what such a network is, and its settings."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from distill.model.mel import SpectrogramConfig
from distill.plugins import VOCODER, Option, load


@dataclass(frozen=True)
class TrainedVocoderConfig:
    """Which network, and the mels that it is for."""

    kind: str
    options: dict[str, Option]
    mel: SpectrogramConfig

    def fits(self, mel: SpectrogramConfig) -> bool:
        """Whether the network is for such mels."""
        return self.mel == mel

    def build(self) -> TrainedVocoder:
        """The network, with random weights; raises PluginError where it is not installed."""
        network: TrainedVocoder = load(VOCODER, self.kind)(self.mel, **self.options)
        network.config = self
        return network


class TrainedVocoder(nn.Module, ABC):
    """The base class of vocoders that packages offer (entry points `distill.vocoders`). Options are
    keyword-only arguments with defaults. Training, held-out figures, the comparison with the
    default vocoder, the bundle and blocks of constant memory come with it.
    """

    title: ClassVar[str]
    """The name shown to people."""
    config: TrainedVocoderConfig
    """Set when it is built."""

    def __init__(self, mel: SpectrogramConfig) -> None:
        super().__init__()
        self.mel = mel

    @property
    def kind(self) -> str:
        """Its name."""
        return self.config.kind

    @property
    def hop_length(self) -> int:
        """Samples of a frame."""
        return self.mel.hop_length

    @property
    @abstractmethod
    def context(self) -> int:
        """Frames on either side that a sample depends on, at most."""

    @abstractmethod
    def forward(self, mel_db: Tensor) -> Tensor:
        """Mel in dB (B, M, F) float32 → waveform (B, F · hop length) in [-1, 1]; its sample
        f · hop length is the middle of frame f.
        """

    @abstractmethod
    def loss(self, mel_db: Tensor, waveform: Tensor) -> Tensor:
        """Mel in dB (B, M, F) and the waveform (B, T), T = (F - 1) · hop length → scalar."""
