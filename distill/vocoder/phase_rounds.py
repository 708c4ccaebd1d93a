"""magnitudes and first phases (F, bins) → waveform: Griffin-Lim rounds that begin near the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from distill.model.mel import SpectrogramConfig
from distill.vocoder.mel_inverse import MelInverse
from distill.vocoder.onsets import Onset
from distill.vocoder.sharpening import sharpen
from distill.vocoder.spectra import ShortTimeFourier, with_magnitudes

LOW_ROUNDS = 64
LOW_HZ = 1500.0
"""The band up to about here gets rounds of its own, at a lower sample rate, where they cost
little. The phases of a bass do not follow from its mel: they must be found.
"""
WHOLE_ROUNDS, FITTING_ROUNDS = 4, 3
MOMENTUM = 0.99
"""Of the fast Griffin-Lim algorithm (Perraudin 2013)."""
USED, KEPT = 0.85, 0.75
"""Of the low band: from there on its magnitudes are faded out; up to there its phases are kept."""


class PhaseRounds:
    """Makes a spectrum consistent: first the low band, then the whole, and at last so that the
    sound has the given mel. Each round silences what is known to be silent, the samples before the
    sound: without it, its beginning has no phase, and may click. Those over the whole band sharpen
    the onsets.
    """

    def __init__(self, config: SpectrogramConfig, inverse: MelInverse) -> None:
        self._inverse, self._rate_hz = inverse, config.sample_rate_hz
        self._whole = ShortTimeFourier(n_fft=config.n_fft, hop_length=config.hop_length)
        self._slower = _slower(config)
        self._low = ShortTimeFourier(
            n_fft=config.n_fft // self._slower, hop_length=config.hop_length // self._slower
        )

    def run(
        self,
        mel: Tensor,
        magnitude: Tensor,
        phases: Tensor,
        *,
        samples: int,
        silent: int = 0,
        onsets: Sequence[Onset] = (),
    ) -> Tensor:
        """Magnitude mel (F, M), magnitudes and phases (F, bins) → waveform (samples,), whose first
        `silent` samples are 0, and which is sharp at the onsets.
        """

        def known(waveform: Tensor, *, only_before: bool = False) -> Tensor:
            waveform = _hold_silence(waveform, silent)
            return sharpen(waveform, onsets, self._rate_hz, only_before=only_before)

        if self._slower > 1:
            phases = self._in_low_band(magnitude, phases, silent)
        spectrum = with_magnitudes(phases, magnitude)
        quiet_before = partial(known, only_before=True)  # momentum would overdo what is raised
        spectrum = _rounds(self._whole, magnitude, spectrum, WHOLE_ROUNDS, samples, quiet_before)
        for _ in range(FITTING_ROUNDS):
            waveform = known(self._whole.waveform(spectrum, samples))
            for part, found in self._whole.spectra(waveform, len(mel)):
                spectrum[part] = self._inverse.fit(found.mT, mel[part].mT).mT
        return known(self._whole.waveform(spectrum, samples))

    def _in_low_band(self, magnitude: Tensor, phases: Tensor, silent: int) -> Tensor:
        """Phases (F, bins) → a spectrum with the same ones, but better ones in the lowest bins.

        The lowest bins of a spectrum are the spectrum of the sound at a lower sample rate.
        """
        low = self._low
        bins = low.n_fft // 2 + 1
        used, kept = int(USED * bins), int(KEPT * bins)
        fade = torch.ones(bins)
        fade[used:] = torch.linspace(1, 0, bins - used)
        better = _rounds(
            low,
            magnitude[:, :bins] * fade,
            phases[:, :bins].contiguous(),
            LOW_ROUNDS,
            len(magnitude) * low.hop_length,
            partial(_hold_silence, silent=silent // self._slower),
        )
        return torch.cat([better[:, :kept], phases[:, kept:]], dim=1)


def _rounds(
    transform: ShortTimeFourier,
    magnitude: Tensor,
    spectrum: Tensor,
    rounds: int,
    samples: int,
    known: Callable[[Tensor], Tensor],
) -> Tensor:
    """Magnitudes, and a spectrum with first phases (F, bins) → a spectrum with these magnitudes and
    the phases after `rounds` rounds of fast Griffin-Lim. `known` puts right in each round's
    waveform what is known of it.
    """
    spectrum = with_magnitudes(spectrum, magnitude)
    before = torch.zeros_like(spectrum)
    for _ in range(rounds):
        waveform = known(transform.waveform(spectrum, samples))
        for part, found in transform.spectra(waveform, len(magnitude)):
            further = torch.sub(found, before[part], alpha=MOMENTUM / (1 + MOMENTUM))
            before[part] = found
            spectrum[part] = with_magnitudes(further, magnitude[part])
    return spectrum


def _hold_silence(waveform: Tensor, silent: int) -> Tensor:
    waveform[:silent] = 0
    return waveform


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
