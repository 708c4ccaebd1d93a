"""mel filters → the way back from a mel to a spectrum: its magnitudes, or a spectrum that fits."""

from __future__ import annotations

from torch import Tensor

from distill.vocoder.spectra import magnitudes

STEPS = 5
SMALLEST = 1e-8
MOST_GAIN = 10.0
"""How many times louder `fit` makes a bin at most: where a spectrum is nearly silent, its shape
means nothing.
"""


class MelInverse:
    """The way back through mel filters (bins, M)."""

    def __init__(self, filters: Tensor) -> None:
        self._filters = filters.T.contiguous()
        self._weight = self._filters.sum(dim=0).clamp(min=SMALLEST)
        self._width = self._filters.sum(dim=1)[:, None].clamp(min=SMALLEST)

    def mel(self, magnitude: Tensor) -> Tensor:
        """Magnitude spectrum (..., bins, F) → magnitude mel (..., M, F)."""
        return self._filters @ magnitude

    def magnitude(self, mel: Tensor) -> Tensor:
        """Magnitude mel (..., M, F) → magnitude spectrum (..., bins, F) ≥ 0.

        Multiplicative updates for the Kullback-Leibler divergence (Lee and Seung 2001, theorem 2).
        A decoded mel is not exactly the mel of a sound: its least-squares inverse has negative
        magnitudes, and setting them to 0 adds noise, 11.7 dB of mel error instead of 3.4.
        """
        magnitude = self._spread(mel / self._width)
        for _ in range(STEPS):
            magnitude = magnitude * self._spread(mel / self.mel(magnitude).clamp(min=SMALLEST))
        return magnitude

    def fit(self, spectrum: Tensor, mel: Tensor) -> Tensor:
        """Complex spectrum (..., bins, F), magnitude mel (..., M, F) → the spectrum with its phases
        and details, louder or softer so that its mel is nearer to the given one.
        """
        ratio = mel / self.mel(magnitudes(spectrum)).clamp(min=SMALLEST)
        return spectrum * self._spread(ratio.clamp(max=MOST_GAIN))

    def _spread(self, ratio: Tensor) -> Tensor:
        """A factor for each band (..., M, F) → one for each bin, the mean of the bands over it."""
        spread: Tensor = (ratio.mT @ self._filters) / self._weight
        return spread.mT  # a frame's bins beside each other in memory, as in torch.stft's spectra
