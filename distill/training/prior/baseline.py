"""codes of both sides → bits a second of the simplest models there are, to compare a prior with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from distill.model.held import held_levels
from distill.model.layout import CodeLayout

ADDED = 0.5
"""Added to each count, so that no code is impossible."""
SHARES = torch.arange(0, 40) / 40
"""Shares of the bigram that are tried."""


@dataclass(frozen=True)
class Baseline:
    """Bits that the held-out codes cost, and the unigram itself."""

    unigram_bits: float
    """By how frequent each code is in its row and level."""
    bigram_bits: float
    """By the code of the column before, too, mixed with the unigram. How much of each is chosen on
    the training side, where each code is left out of the counts that predict it.
    """
    frequency: Tensor
    """Logarithms of the unigram, (H, L, K) float32."""


def measure_baseline(
    train: Sequence[Tensor], held_out: Sequence[Tensor], layout: CodeLayout
) -> Baseline:
    """Codes of whole sounds, each (H, W, L), of this layout → the baseline."""
    held, codes = held_levels(layout), max(layout.sizes)
    sizes = torch.tensor(layout.sizes).expand(held.shape)[held]
    train, held_out = ([_kinds_of(sound, held) for sound in side] for side in (train, held_out))
    counts = torch.zeros(len(sizes) * codes, dtype=torch.float64)
    pairs = []
    for sound in train:
        counts += torch.bincount(_own(sound, codes).flatten(), minlength=len(counts))
        pairs.append(_with_before(sound, codes).flatten())
    known, pair_counts = torch.cat(pairs).unique(return_counts=True)
    counted = _Counts(counts, known, pair_counts.double(), codes, sizes)
    trained = [counted.likelihoods(sound, left_out=1) for sound in train]
    share = min(SHARES.tolist(), key=lambda share: _bits(trained, share))
    asked = [counted.likelihoods(sound, left_out=0) for sound in held_out]
    by_kind = counts.view(len(sizes), codes)
    totals = by_kind.sum(dim=1, keepdim=True)
    frequency = torch.zeros(*held.shape, codes)
    frequency[held] = ((by_kind + ADDED) / (totals + ADDED * sizes[:, None])).log().float()
    return Baseline(
        unigram_bits=_bits(asked, 0.0), bigram_bits=_bits(asked, share), frequency=frequency
    )


class _Counts:
    def __init__(
        self, single: Tensor, known: Tensor, pairs: Tensor, codes: int, sizes: Tensor
    ) -> None:
        self._single, self._known, self._pairs, self._codes = single, known, pairs, codes
        self._sizes = sizes
        self._kind = single.view(-1, codes).sum(dim=1)
        self._before = torch.zeros(len(single), dtype=torch.float64)
        self._before.index_add_(0, known // codes, pairs)

    def likelihoods(self, sound: Tensor, *, left_out: int) -> tuple[Tensor, Tensor]:
        """Likelihoods (n,) of a sound's codes by the unigram and by the bigram. With `left_out` 1,
        each code is left out of the counts, once.
        """
        own = _own(sound, self._codes)
        kind = own // self._codes
        smooth = ADDED * self._sizes
        unigram = (self._single[own] - left_out + ADDED) / (self._kind[kind] - left_out + smooth)
        pair = _with_before(sound, self._codes)
        place = torch.searchsorted(self._known, pair).clamp(max=max(0, len(self._known) - 1))
        found = self._pairs[place] * (self._known[place] == pair) if len(self._known) else pair * 0
        before = self._before[pair // self._codes] - left_out
        bigram = unigram.clone()
        bigram[1:] = torch.where(
            before > 0, (found - left_out).clamp(min=0) / before.clamp(min=1), unigram[1:]
        )
        return unigram.flatten(), bigram.flatten()


def _bits(likelihoods: Sequence[tuple[Tensor, Tensor]], share: float) -> float:
    mixed = (share * bigram + (1 - share) * unigram for unigram, bigram in likelihoods)
    return -sum(float(each.log().sum()) for each in mixed) / math.log(2)


def _kinds_of(sound: Tensor, held: Tensor) -> Tensor:
    """Codes (H, W, L), and which rows have which levels (H, L) → the codes there are (W, kinds)."""
    return sound.permute(1, 0, 2)[:, held].long()


def _own(sound: Tensor, codes: int) -> Tensor:
    """Codes (W, kinds) → numbers that are different for each row and level."""
    return torch.arange(sound.shape[1]) * codes + sound


def _with_before(sound: Tensor, codes: int) -> Tensor:
    """The same for the codes of two columns beside each other, (W - 1, kinds)."""
    return _own(sound, codes)[:-1] * codes + sound[1:]
