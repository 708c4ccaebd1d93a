"""a codec, and the codes that a prior keeps of known sounds → their mels, and which are alike."""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from distill.codec.codec import Codec
from distill.codec.codes import Codes
from distill.generation.novelty import MelNeighbours, Nearest, decode_mels
from distill.prior.prior import KnownSound, Prior

OCTAVE_DB = 6.0
"""Of two sounds, one of twice the length is as unlike as one whose mean spectrum is so far away."""


class KnownSounds:
    """The sounds that a prior keeps, by their numbers; decoded once, when they are first needed."""

    def __init__(self, codec: Codec, prior: Prior) -> None:
        self.codec, self.prior = codec, prior

    def __getitem__(self, number: int) -> KnownSound:
        return self.prior.config.sounds[number]

    def codes(self, number: int, *, most: float = math.inf) -> Codes:
        """The codes of a sound, or of its beginning, if no more is kept, or it has more samples
        than `most`.
        """
        codec, samples = self.codec, int(min(self[number].samples, most))
        codes = self.prior.codes_of(number)
        if codes.shape[1] < codec.columns(samples):
            samples = max(1, (codes.shape[1] - codec.columns(1)) * codec.column_samples)
        return codec.codes(codes[None, :, : codec.columns(samples)], samples)

    @cached_property
    def mels(self) -> list[Tensor]:
        """The mels of all sounds in dB, (M, F) each, as they are decoded."""
        return [
            self.codec.of_sound(mel, self.codes(number).samples)
            for number, mel in enumerate(self.whole_mels)
        ]

    @cached_property
    def whole_mels(self) -> list[Tensor]:
        """The same with the silence around them, in whole columns."""
        sounds = range(len(self.prior.config.sounds))
        codes = [self.codes(number).indices[0] for number in sounds]
        return decode_mels(codes, self.codec) if codes else []

    def nearest(self, mel: Tensor) -> Nearest:
        """The sound nearest to a mel in dB (M, F); infinitely far if none is known."""
        return self._neighbours.nearest(mel)

    def partners(self, number: int, samples: int, *, most: int) -> list[int]:
        """Numbers of the sounds of the same class that are most like a sound, and about as long as
        a new one of `samples` is to be.
        """
        same = [each for each in self.prior.sounds_of(self[number].label) if each != number]
        return self.most_like(self.mels[number], samples, same, most=most)

    def most_like(self, mel: Tensor, samples: int, numbers: list[int], *, most: int) -> list[int]:
        """Which of the sounds of these numbers have most nearly the mean spectrum of a mel in dB
        (M, F), and are about `samples` long; the most alike first.
        """
        if not numbers:
            return []
        lengths = np.log2([self[each].samples / samples for each in numbers])
        apart = (self._spectra[numbers] - mel.mean(dim=1)).abs().mean(dim=1).numpy()
        order = np.argsort(apart + OCTAVE_DB * np.abs(lengths), kind="stable")
        return [numbers[place] for place in order[:most]]

    @cached_property
    def _spectra(self) -> Tensor:
        """The mean spectrum of each sound in dB, (N, M)."""
        return torch.stack([mel.mean(dim=1) for mel in self.mels])

    @cached_property
    def _neighbours(self) -> MelNeighbours:
        return MelNeighbours(self.mels, floor_db=self.codec.spectrogram.config.floor_db)
