"""what a vocoder is, and the one for models that have none of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import torch
from torch import Tensor

from distill.model.mel import LogMel
from distill.vocoder.griffin_lim import GriffinLim


class Vocoder(Protocol):
    """Anything that turns mels into sound; the same seed gives the same sound."""

    @property
    def name(self) -> str:
        """The name shown to people, such as "Griffin-Lim"."""

    def stream(self, mels: Iterable[Tensor], *, seed: int = 0, silent: int = 0) -> Iterator[Tensor]:
        """Chunks (C, 1, M, f) of one normalised log-mel → chunks (C, t) float32 in [-1, 1] of its
        waveform, with constant memory, at most F · hop_length samples in all.

        Of the first `silent` samples it is known that they are silent; they may be heard all the
        same.
        """


def default_vocoder(spectrogram: LogMel) -> Vocoder:
    """A vocoder for any mel, without training."""
    return GriffinLim(spectrogram)


def vocode(
    vocoder: Vocoder, mel: Tensor, *, samples: int, seed: int = 0, silent: int = 0
) -> Tensor:
    """Normalised log-mel (C, 1, M, F) → waveform (C, samples) float32 in [-1, 1]. The first
    `silent` samples that the mel stands for are silence, and are left out.
    """
    waveform = torch.cat(list(vocoder.stream([mel], seed=seed, silent=silent)), dim=-1)
    waveform = waveform[:, silent:]
    missing = max(0, samples - waveform.shape[-1])
    return torch.nn.functional.pad(waveform, (0, missing))[:, :samples]
