"""sounds that a prior knows → the mel of a new one, made of parts of two of them.

It is not yet a sound: the prior draws codes near to it, which go together.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from distill.codec.codec import Codec
from distill.generation.known import KnownSounds

PARTNERS = 4
"""From how many sounds, those most like the first, the second one is chosen."""
MOST_SHIFT = 1
"""How far each is moved up or down at most, in mel bins."""
LONGEST_STRETCH = 1.5
WAYS = ("one", "one", "mixed", "bands", "times")
"""One sound alone; both everywhere; low notes of one and high ones of the other; the beginning of
one and the rest of the other.
"""
SHARES = (0.2, 0.8)
BAND_EDGE_BINS, TIME_EDGE_FRAMES = 8.0, 3.0


class Recombination:
    """Makes new mels out of known sounds."""

    def __init__(self, codec: Codec, known: KnownSounds) -> None:
        self.codec, self.known = codec, known

    def make(self, first: int, random: np.random.Generator, *, samples: int) -> Tensor:
        """The normalised mel (M, F) of a new sound of `samples`, made of the known one of number
        `first` and another one.
        """
        second = int(random.choice(self.known.partners(first, samples, most=PARTNERS)))
        frames = max(2, samples // self.codec.spectrogram.config.hop_length + 1)
        one, other = (
            _shift(
                self._fit(self.known.normalised_mel(number), frames),
                int(random.integers(-MOST_SHIFT, MOST_SHIFT + 1)),
            )
            for number in (first, second)
        )
        return torch.lerp(one, other, self._share(one.shape, random))

    def code(self, mel: Tensor, columns: int) -> Tensor:
        """A mel (M, F) → its codes (H, W, L), with the silence that is coded around a sound."""
        network, floor = self.codec.network, self.codec.spectrogram.config.floor_normalised
        stride = network.stride
        whole = mel.new_full((mel.shape[0], columns * stride), floor)
        end = min(whole.shape[1], stride + mel.shape[1])
        whole[:, stride:end] = mel[:, : end - stride]
        indices: Tensor = network.encode(whole[None, None].to(self.codec.device))[0]
        return indices

    def _fit(self, mel: Tensor, frames: int) -> Tensor:
        """A mel (M, f) stretched to (M, frames), or as far as it may be, with silence after it."""
        length = min(frames, max(2, round(LONGEST_STRETCH * mel.shape[1])))
        stretched = torch.nn.functional.interpolate(
            mel[None], size=max(length, 2), mode="linear", align_corners=False
        )[0]
        if mel.shape[1] > LONGEST_STRETCH * frames:  # cut rather than pressed together
            stretched = mel[:, :frames]
        floor = self.codec.spectrogram.config.floor_normalised
        missing = frames - stretched.shape[1]
        return torch.nn.functional.pad(stretched, (0, max(0, missing)), value=floor)[:, :frames]

    def _share(self, shape: torch.Size, random: np.random.Generator) -> Tensor:
        """How much of the second sound there is in each bin and frame, (M, 1) or (1, F)."""
        bins, frames = shape
        way = WAYS[int(random.integers(len(WAYS)))]
        share = float(random.uniform(*SHARES))
        if way == "bands":
            edge = share * bins
            return torch.sigmoid((torch.arange(bins) - edge) / BAND_EDGE_BINS)[:, None]
        if way == "times":
            edge = TIME_EDGE_FRAMES + share * frames / 2
            return torch.sigmoid((torch.arange(frames) - edge) / TIME_EDGE_FRAMES)[None]
        return torch.full((1, 1), share if way == "mixed" else 0.0)


def _shift(mel: Tensor, bins: int) -> Tensor:
    """A mel moved up by `bins`; the edge bin is repeated."""
    source = (torch.arange(mel.shape[0]) - bins).clamp(0, mel.shape[0] - 1)
    return mel[source]
