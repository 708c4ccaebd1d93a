"""waveform (T,) ↔ spectrum (F, bins), and spectra with other magnitudes.

A frame's bins lie beside each other in memory, and only plain sums and products are used: with
torch's own `stft`, `istft` and `abs`, a round of Griffin-Lim takes three times as long on a CPU.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor
from torch.nn.functional import pad

SMALLEST = 1e-32
"""Power under which a bin has no phase; what is scaled from there stays small."""
PART = 1 << 19
"""Number of samples in the frames that are worked on at a time; more take twice as long."""
LEAST_WINDOW = 1e-6
"""Where the windows weigh less than this in all, nothing is known of the waveform."""


class ShortTimeFourier:
    """The short-time Fourier transform with Hann windows, and its inverse by least squares
    (Griffin and Lim 1984). Frames lie around the multiples of the hop, with silence before the
    first sample and after the last.
    """

    def __init__(self, *, n_fft: int, hop_length: int) -> None:
        self.n_fft, self.hop_length = n_fft, hop_length
        self._hops = -(-n_fft // hop_length)
        """Hops that a window reaches over."""
        self._window = torch.hann_window(n_fft)
        self._weight, self._weighed = torch.zeros(0), 0
        """One over the sum of the squared windows at each sample, and of how many frames."""

    def spectra(self, waveform: Tensor, frames: int) -> Iterator[tuple[slice, Tensor]]:
        """Waveform (T,) → the spectra of its first frames, part by part: which frames, and their
        spectrum (f, bins).
        """
        middle = self.n_fft // 2
        reached = (frames - 1) * self.hop_length + self.n_fft
        padded = pad(waveform, (middle, max(0, reached - middle - len(waveform))))
        cut = padded.unfold(0, self.n_fft, self.hop_length)
        for part in self._parts(frames):
            yield part, torch.fft.rfft(cut[part] * self._window)

    def waveform(self, spectrum: Tensor, samples: int) -> Tensor:
        """Spectrum (F, bins) → waveform (samples,)."""
        frames = len(spectrum)
        if (len(self._weight), self._weighed) != (samples, frames):
            squares = self._overlap([self._window.expand(frames, -1)], frames, samples)
            self._weight = squares.reciprocal().masked_fill(squares < LEAST_WINDOW, 0)
            self._weighed = frames
        parts = (torch.fft.irfft(spectrum[part], n=self.n_fft) for part in self._parts(frames))
        return self._overlap(parts, frames, samples) * self._weight

    def _overlap(self, parts: Iterable[Tensor], frames: int, samples: int) -> Tensor:
        """Frames (f, n_fft), part by part → the sum of them, each in its window and place."""
        window = self._in_hops(self._window[None])[0]
        summed = self._window.new_zeros(frames + self._hops - 1, self.hop_length)
        first = 0
        for part in parts:
            hops = self._in_hops(part)
            for number, shape in enumerate(window):
                begin = first + number
                summed[begin : begin + len(part)].addcmul_(hops[:, number], shape)
            first += len(part)
        waveform = summed.flatten()[self.n_fft // 2 :][:samples]
        return pad(waveform, (0, samples - len(waveform)))

    def _in_hops(self, frames: Tensor) -> Tensor:
        """Frames (f, n_fft) → (f, hops, hop length), filled up with zeros."""
        rest = self._hops * self.hop_length - self.n_fft
        padded = pad(frames, (0, rest)) if rest else frames
        return padded.view(len(frames), self._hops, self.hop_length)

    def _parts(self, frames: int) -> Iterator[slice]:
        size = max(1, PART // self.n_fft)
        for first in range(0, frames, size):
            yield slice(first, min(first + size, frames))


def magnitudes(spectrum: Tensor) -> Tensor:
    """Complex of any shape → its magnitudes."""
    return power(spectrum).sqrt()


def power(spectrum: Tensor) -> Tensor:
    """Complex of any shape → its squared magnitudes."""
    return spectrum.real.square() + spectrum.imag.square()


def with_magnitudes(spectrum: Tensor, magnitude: Tensor) -> Tensor:
    """The spectrum's phases with other magnitudes."""
    return spectrum * (magnitude * power(spectrum).clamp(min=SMALLEST).rsqrt())
