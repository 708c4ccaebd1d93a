"""log-mel (B, 1, M, F) → waveform (B, T), until a model brings a vocoder of its own."""

from __future__ import annotations

import torch
from torch import Tensor
from torchaudio.functional import griffinlim
from torchaudio.transforms import InverseMelScale

from distill.model.mel import LogMel

ITERATIONS = 32
MOMENTUM = 0.99


class GriffinLim:
    """Least-squares inverse of the mel filters, then phase by the fast Griffin-Lim algorithm
    (Perraudin 2013).
    """

    def __init__(self, spectrogram: LogMel) -> None:
        config = spectrogram.config
        self.spectrogram = spectrogram
        # narrow mel filters can be empty or alike: this driver takes filter banks without full rank
        self._inverse = InverseMelScale(
            config.n_fft // 2 + 1, config.n_mels, config.sample_rate_hz, driver="gelsd"
        )
        self._window = torch.hann_window(config.n_fft)

    def __call__(self, log_mel: Tensor, *, samples: int, seed: int = 0) -> Tensor:
        """Normalised log-mel (B, 1, M, F) → waveform (B, samples) float32 in [-1, 1], the same for
        the same seed.
        """
        config = self.spectrogram.config
        linear = self._inverse(self.spectrogram.to_magnitude(log_mel.float().cpu())[:, 0])
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            waveform: Tensor = griffinlim(
                linear,
                window=self._window,
                n_fft=config.n_fft,
                hop_length=config.hop_length,
                win_length=config.n_fft,
                power=1.0,
                n_iter=ITERATIONS,
                momentum=MOMENTUM,
                # the reflection at the edges needs more samples than half a window
                length=max(samples, config.n_fft // 2 + 1),
                rand_init=True,
            )
        return waveform[:, :samples].clamp(-1.0, 1.0)
