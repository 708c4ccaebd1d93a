"""sounds that a prior knows → the mel of a new one, made of parts of two of them.

It is not yet a sound: the prior draws codes near to it, which go together.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from distill.codec.codes import Codes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from distill.codec.loaded import LoadedModel
    from distill.prior.prior import Prior

PARTNERS = 4
"""The second sound is one of so many that are most like the first."""
OCTAVE_DB = 6.0
"""Of two sounds, one of twice the length is as unlike as one whose mean spectrum is so far away."""
MOST_SHIFT = 1
"""Each is moved up or down by at most so many mel bins."""
LONGEST_STRETCH = 1.5
WAYS = ("one", "one", "mixed", "bands", "times")
"""One sound alone; both everywhere; low notes of one and high ones of the other; the beginning of
one and the rest of the other.
"""
SHARES = (0.2, 0.8)
BAND_EDGE_BINS, TIME_EDGE_FRAMES = 8.0, 3.0


class Recombination:
    """Makes new mels out of known sounds."""

    def __init__(self, model: LoadedModel, prior: Prior, mels: Sequence[Tensor]) -> None:
        """`mels` are those of the known sounds in dB, (M, F) each."""
        self.model, self.prior, self._mels = model, prior, mels

    def _mel(self, number: int) -> Tensor:
        """The normalised mel (M, F) of a known sound."""
        config = self.model.spectrogram.config
        return (self._mels[number] - config.mean_db) / config.std_db

    def make(self, first: int, random: np.random.Generator, *, samples: int) -> Tensor:
        """The normalised mel (M, F) of a new sound of this length, like the known one of this
        number.
        """
        second = int(random.choice(self._partners(first, samples)))
        frames = max(2, samples // self.model.spectrogram.config.hop_length + 1)
        one, other = (
            _shifted(
                self._fitted(self._mel(number), frames),
                int(random.integers(-MOST_SHIFT, MOST_SHIFT + 1)),
            )
            for number in (first, second)
        )
        return torch.lerp(one, other, self._share(one.shape, random))

    def most_like(self, codes: Codes, numbers: list[int]) -> int:
        """Which of the known sounds of these numbers has most nearly the spectrum of a sound."""
        mel = torch.cat(list(self.model.decoded_mels(codes)), dim=-1)[0, 0].cpu()
        spectrum = self.model.spectrogram.to_decibels(mel).mean(dim=1)
        apart = (self._spectra[numbers] - spectrum).abs().mean(dim=1)
        return numbers[int(apart.argmin())]

    def between_silence(self, mel: Tensor, columns: int) -> Tensor:
        """A mel (M, F) → its codes (H, W, L), with the silence that is coded around a sound."""
        model = self.model
        stride, floor = model.model.stride, model.spectrogram.config.floor_normalised
        whole = mel.new_full((mel.shape[0], columns * stride), floor)
        end = min(whole.shape[1], stride + mel.shape[1])
        whole[:, stride:end] = mel[:, : end - stride]
        codes: Tensor = model.model.encode(whole[None, None].to(model.device))[0]
        return codes

    def _fitted(self, mel: Tensor, frames: int) -> Tensor:
        """A mel stretched to so many frames, or as far as it may be, with silence after it."""
        length = min(frames, max(2, round(LONGEST_STRETCH * mel.shape[1])))
        stretched = torch.nn.functional.interpolate(
            mel[None], size=max(length, 2), mode="linear", align_corners=False
        )[0]
        if mel.shape[1] > LONGEST_STRETCH * frames:  # cut rather than pressed together
            stretched = mel[:, :frames]
        floor = self.model.spectrogram.config.floor_normalised
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

    def _partners(self, number: int, samples: int) -> list[int]:
        """Numbers of the sounds of the same class that are most like a known one, and about as long
        as the new one is to be.
        """
        sounds = self.prior.config.sounds
        same = [each for each in self.prior.sounds_of(sounds[number].label) if each != number]
        if not same:
            return [number]
        lengths = np.log2([sounds[each].samples / samples for each in same])
        apart = (self._spectra[same] - self._spectra[number]).abs().mean(dim=1).numpy()
        order = np.argsort(apart + OCTAVE_DB * np.abs(lengths), kind="stable")
        return [same[place] for place in order[:PARTNERS]]

    @cached_property
    def _spectra(self) -> Tensor:
        """The mean spectrum of each known sound in dB, (N, M)."""
        return torch.stack([mel.mean(dim=1) for mel in self._mels])


def _shifted(mel: Tensor, bins: int) -> Tensor:
    """A mel moved up by so many bins; the edge bin is repeated."""
    source = (torch.arange(mel.shape[0]) - bins).clamp(0, mel.shape[0] - 1)
    return mel[source]
