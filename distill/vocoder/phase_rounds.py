"""magnitudes and first phases (bins, F) → waveform: Griffin-Lim rounds that begin near the end."""

from __future__ import annotations

import torch
from torch import Tensor

from distill.model.mel import SpectrogramConfig
from distill.vocoder.mel_inverse import MelInverse
from distill.vocoder.spectra import with_magnitudes

LOW_ROUNDS = 48
LOW_HZ = 1500.0
"""The band up to about here gets rounds of its own, at a lower sample rate, where they cost
little. The phases of a bass do not follow from its mel: they must be found.
"""
WHOLE_ROUNDS, FITTING_ROUNDS = 8, 4
MOMENTUM = 0.99
"""Of the fast Griffin-Lim algorithm (Perraudin 2013)."""
USED, KEPT = 0.85, 0.75
"""Of the low band: from there on its magnitudes are faded out; up to there its phases are kept."""


class PhaseRounds:
    """Makes a spectrum consistent: first the low band, then the whole, and at last so that the
    sound has the given mel.
    """

    def __init__(self, config: SpectrogramConfig, inverse: MelInverse) -> None:
        self._n_fft, self._hop = config.n_fft, config.hop_length
        self._inverse = inverse
        self._slower = _slower(config)
        self._fewest = config.n_fft // 2 // config.hop_length + 1
        """With no more frames than these, the low band is too short to be transformed."""

    def run(self, mel: Tensor, magnitude: Tensor, phases: Tensor, *, samples: int) -> Tensor:
        """Magnitude mel (M, F), magnitudes and phases (bins, F) → waveform (samples,)."""
        magnitude, phases = magnitude.mT.contiguous().mT, phases.mT.contiguous().mT
        if self._slower > 1 and magnitude.shape[-1] > self._fewest:
            phases = self._in_low_band(magnitude, phases)
        n_fft, hop = self._n_fft, self._hop
        spectrum = _rounds(
            magnitude, phases, WHOLE_ROUNDS, n_fft=n_fft, hop_length=hop, samples=samples
        )
        window = torch.hann_window(n_fft)
        for _ in range(FITTING_ROUNDS):
            waveform = torch.istft(spectrum, n_fft, hop, window=window, length=samples)
            found = torch.stft(waveform, n_fft, hop, window=window, return_complex=True)
            frames = min(found.shape[-1], mel.shape[-1])
            spectrum = self._inverse.fit(found[:, :frames], mel[:, :frames])
        return torch.istft(spectrum, n_fft, hop, window=window, length=samples)

    def _in_low_band(self, magnitude: Tensor, phases: Tensor) -> Tensor:
        """Phases (bins, F) → a spectrum with the same ones, but better ones in the lowest bins.

        The lowest bins of a spectrum are the spectrum of the sound at a lower sample rate.
        """
        n_fft, hop = self._n_fft // self._slower, self._hop // self._slower
        bins = n_fft // 2 + 1
        used, kept = int(USED * bins), int(KEPT * bins)
        fade = torch.ones(bins)
        fade[used:] = torch.linspace(1, 0, bins - used)
        better = _rounds(
            magnitude[:bins] * fade[:, None],
            phases[:bins],
            LOW_ROUNDS,
            n_fft=n_fft,
            hop_length=hop,
            samples=(magnitude.shape[-1] - 1) * hop,
        )
        return torch.cat([better[:kept], phases[kept:]])


def _rounds(
    magnitude: Tensor,
    spectrum: Tensor,
    rounds: int,
    *,
    n_fft: int,
    hop_length: int,
    samples: int,
) -> Tensor:
    """Magnitudes (bins, F), and a spectrum with first phases → a spectrum with these magnitudes and
    the phases after so many rounds of fast Griffin-Lim.
    """
    window = torch.hann_window(n_fft)
    spectrum = with_magnitudes(spectrum, magnitude)
    before: Tensor | None = None
    frames = magnitude.shape[-1]
    for _ in range(rounds):
        waveform = torch.istft(spectrum, n_fft, hop_length, window=window, length=samples)
        found = torch.stft(waveform, n_fft, hop_length, window=window, return_complex=True)
        found = found[:, :frames]
        further = found if before is None else found - before * (MOMENTUM / (1 + MOMENTUM))
        before = found
        spectrum = with_magnitudes(further, magnitude)
    return spectrum


def _slower(config: SpectrogramConfig) -> int:
    """By how much the sample rate can be divided so that the low band remains."""
    slower = 1
    while (
        config.sample_rate_hz / 4 / slower >= LOW_HZ
        and config.n_fft % (2 * slower) == 0
        and config.hop_length % (2 * slower) == 0
    ):
        slower *= 2
    return slower
