"""mel filters → the way back from a mel to a spectrum: its magnitudes, or a spectrum that fits."""

from __future__ import annotations

from functools import cached_property

import torch
from scipy.sparse import csr_array
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
        self._to_mel = _Product(filters.T)
        self._to_bins = _Product(filters / filters.sum(dim=1, keepdim=True).clamp(min=SMALLEST))
        self._width = filters.sum(dim=0)[:, None].clamp(min=SMALLEST)

    def mel(self, magnitude: Tensor) -> Tensor:
        """Magnitude spectrum (..., bins, F) → magnitude mel (..., M, F)."""
        return self._to_mel.of(magnitude)

    def magnitude(self, mel: Tensor) -> Tensor:
        """Magnitude mel (..., M, F) → magnitude spectrum (..., bins, F) ≥ 0.

        Multiplicative updates for the Kullback-Leibler divergence (Lee and Seung 2001, theorem 2).
        A decoded mel is not exactly the mel of a sound: its least-squares inverse has negative
        magnitudes, and setting them to 0 adds noise, 11.7 dB of mel error instead of 3.4.
        """
        magnitude = self._spread(mel / self._width)
        for _ in range(STEPS):
            magnitude = magnitude * self._spread(mel / self.mel(magnitude).clamp(min=SMALLEST))
        # a frame's bins beside each other in memory, as in torch.stft's spectra
        return magnitude.mT.contiguous().mT

    def fit(self, spectrum: Tensor, mel: Tensor) -> Tensor:
        """Complex spectrum (..., bins, F), magnitude mel (..., M, F) → the spectrum with its phases
        and details, louder or softer so that its mel is nearer to the given one.
        """
        ratio = mel / self.mel(magnitudes(spectrum)).clamp(min=SMALLEST)
        return spectrum * self._spread(ratio.clamp(max=MOST_GAIN))

    def _spread(self, ratio: Tensor) -> Tensor:
        """A factor for each band (..., M, F) → one for each bin, the mean of the bands over it."""
        return self._to_bins.of(ratio)


class _Product:
    """A matrix (a, b) of which most values are 0: of 128 mel filters, two reach over each bin. On a
    CPU, only the others are multiplied, which takes a tenth of the time.
    """

    def __init__(self, matrix: Tensor) -> None:
        self._dense = matrix.contiguous()

    @cached_property
    def _sparse(self) -> csr_array:
        return csr_array(self._dense.numpy())

    def of(self, values: Tensor) -> Tensor:
        """(..., b, F) → (..., a, F) float32."""
        if values.device.type != "cpu":
            return self._dense @ values
        items = values.reshape(-1, *values.shape[-2:])
        results = [torch.from_numpy(self._sparse @ item.contiguous().numpy()) for item in items]
        return torch.stack(results).reshape(*values.shape[:-2], *results[0].shape)
