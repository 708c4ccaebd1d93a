"""mel chunks (C, 1, M, f) of one sound → its codes (C, H, w, l), found with more or less effort.

0 takes the nearest code, level by level; 1 searches over the levels; 2 refines what that finds, by
the mel that is decoded of it. What a model learns from, how it is judged in training, and what its
prior makes sounds of have effort 0: codes of more effort cost a prior more bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from distill.codec import MOST_EFFORT
from distill.codec.stream import SILENT_STRIDES, codes_of, windows
from distill.errors import CodesError
from distill.model.mel import LogMel
from distill.model.refinement import reach, refine_codes
from distill.model.search import search_codes
from distill.model.vqvae import ConvVQVAE
from distill.system.given import shown, whole

BLOCK = 128
"""Number of latent columns refined at a time; with the default settings 11 s."""

Progress = Callable[[float], None]


def ignore(progress_s: float) -> None:
    """Where nobody looks on."""


@dataclass(frozen=True)
class Search:
    """How the codes of one sound are found, with constant memory: they do not depend on how the
    sound is cut into chunks. Raises CodesError for an impossible effort.
    """

    network: ConvVQVAE
    spectrogram: LogMel
    levels: int
    """Of those that all rows have; if these are all, those of the low rows are added. The search
    knows of no others: codes found for many levels do worse than others without the last ones.
    """
    effort: int = 0
    progress: Progress = ignore
    """Called with the seconds that each step of effort 2 has refined."""

    def __post_init__(self) -> None:
        if whole(self.effort, 0, MOST_EFFORT) is None:
            raise CodesError(
                f"effort={shown(self.effort)}: must be a whole number from 0 to {MOST_EFFORT}"
            )

    def codes_of(self, mels: Iterable[Tensor]) -> Iterator[Tensor]:
        """Chunks (C, 1, M, f) of one mel → codes (C, H, w, l) int64."""
        if self.effort > 1:
            yield from self._refined(mels)
        elif self.effort:
            yield from codes_of(mels, self.network, encode=self._searched)
        else:
            kept = None if self.levels == self.network.config.num_quantizers else self.levels
            yield from (codes[..., :kept] for codes in codes_of(mels, self.network))

    def _searched(self, mel: Tensor) -> Tensor:
        return search_codes(self.network, mel, levels=self.levels)

    def _refined(self, mels: Iterable[Tensor]) -> Iterator[Tensor]:
        """In blocks of BLOCK columns, one after the other: each goes on from the codes before it,
        and is refined together with columns after it, which have their turn in the next.
        """
        stride, context = self.network.stride, reach(self.network)
        before: list[Tensor | None] = []
        for window in windows(mels, size=BLOCK * stride, context=context * stride):
            sounds, count = window.items.split(1), math.ceil(window.core / stride)
            columns = count - (not before) - SILENT_STRIDES * window.last  # of the sound itself
            sound_s = max(0.0, columns) * stride * self._frame_s / len(sounds)
            found = [
                refine_codes(
                    self.network,
                    mel,
                    levels=self.levels,
                    std_db=self.spectrogram.config.std_db,
                    before=known,
                    progress=partial(self._advance, sound_s),
                )[:, :, :count]
                for mel, known in zip(sounds, before or [None] * len(sounds), strict=True)
            ]
            before = [codes[:, :, max(0, count - context) :] for codes in found]
            yield torch.cat(found)

    def _advance(self, seconds: float, share: float) -> None:
        self.progress(share * seconds)

    @property
    def _frame_s(self) -> float:
        config = self.spectrogram.config
        return config.hop_length / config.sample_rate_hz
