"""log-mel (C, 1, M, F) of any model → waveform (C, T), without training."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import cached_property

import torch
from torch import Tensor
from torchaudio.functional import griffinlim

from distill.model.mel import LogMel
from distill.vocoder.mel_inverse import MelInverse
from distill.vocoder.state import DEFAULT_NAME

ROUNDS = 32
MOMENTUM = 0.99
BLOCK = 2048
"""Number of mel frames whose phase is found together; longer sounds are joined from such blocks."""


class GriffinLim:
    """Inverts the mel filters without negative magnitudes, then finds the phase by the fast
    Griffin-Lim algorithm (Perraudin 2013), block by block.
    """

    name = DEFAULT_NAME

    def __init__(self, spectrogram: LogMel, *, rounds: int = ROUNDS) -> None:
        config = spectrogram.config
        self.spectrogram = spectrogram
        self.rounds = rounds
        self._window = torch.hann_window(config.n_fft)
        self._margin = 2 * math.ceil(config.n_fft / config.hop_length)
        """Number of frames at a block's edge whose samples are influenced by the edge."""
        self._fade = self._margin * config.hop_length // 2

    @cached_property
    def inverse(self) -> MelInverse:
        """The way back through the mel filters."""
        return MelInverse(self.spectrogram.filters.cpu())

    def stream(self, mels: Iterable[Tensor], *, seed: int = 0, silent: int = 0) -> Iterator[Tensor]:
        """Chunks (C, 1, M, f) of one normalised log-mel → chunks (C, t) of its waveform in [-1, 1],
        at most F · hop_length - 1 samples in all. The same seed gives the same waveform. It makes
        no use of `silent`.

        Blocks are joined where the sound is quietest; they do not depend on the chunks.
        """
        hop, margin = self.spectrogram.config.hop_length, self._margin
        held: Tensor | None = None
        tail: Tensor | None = None
        for chunk in mels:
            mel = self.spectrogram.to_magnitude(chunk.float().cpu())[:, 0]  # (C, M, f)
            held = mel if held is None else torch.cat([held, mel], dim=-1)
            while held.shape[-1] > BLOCK:
                loudness = held[..., BLOCK // 2 : BLOCK - margin].sum(dim=(0, 1))
                seam = BLOCK // 2 + int(loudness.argmin())
                waveform = self._join(tail, self._waveform(held[..., :BLOCK], seed))
                end = seam * hop if tail is None else (seam - margin) * hop
                yield waveform[:, :end]
                tail = waveform[:, end : end + self._fade]
                held = held[..., seam - margin :].clone()
        if held is not None:
            yield self._join(tail, self._waveform(held, seed))

    def _join(self, tail: Tensor | None, waveform: Tensor) -> Tensor:
        """A block's waveform after the seam, with a crossfade from the block before it.

        The phases of the two blocks are independent, so a fade of equal power keeps the loudness.
        """
        if tail is None:
            return waveform
        waveform = waveform[:, self._margin * self.spectrogram.config.hop_length :]
        angle = torch.linspace(0, math.pi / 2, self._fade)
        faded = tail * angle.cos() + waveform[:, : self._fade] * angle.sin()
        return torch.cat([faded, waveform[:, self._fade :]], dim=-1).clamp(-1.0, 1.0)

    def _waveform(self, mel: Tensor, seed: int) -> Tensor:
        """Magnitude mel (C, M, f) → waveform (C, about f · hop_length) in [-1, 1]."""
        config = self.spectrogram.config
        length = mel.shape[-1] * config.hop_length - 1  # the longest waveform with f frames
        reached = (mel.shape[-1] - 1) * config.hop_length + config.n_fft // 4
        channels = []
        with torch.random.fork_rng(devices=[]):
            for channel in mel.split(1):  # one at a time: equal channels stay equal, memory small
                torch.manual_seed(seed)
                waveform = griffinlim(
                    self.inverse.magnitude(channel),
                    window=self._window,
                    n_fft=config.n_fft,
                    hop_length=config.hop_length,
                    win_length=config.n_fft,
                    power=1.0,
                    n_iter=self.rounds,
                    momentum=MOMENTUM,
                    length=min(length, reached),
                    rand_init=True,
                )
                channels.append(waveform.clamp(-1.0, 1.0))
        return torch.cat(channels)
