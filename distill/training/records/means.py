"""figures of batches → their means over an epoch and over all ranks; checkpoints save them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from distill.codec.hearing import LoudnessRange, loudness_range, mel_levels_db

OverRanks = Callable[[Tensor], Tensor]
"""This rank's sums → those of all ranks."""


def keep_sums(sums: Tensor) -> Tensor:
    """The sums of all ranks if there is only one rank."""
    return sums


class TermMeans:
    """Weighted running means of named terms, in double precision; checkpoints save them."""

    def __init__(self, terms: Sequence[str]) -> None:
        self.terms = tuple(terms)
        self._sums = torch.zeros(len(self.terms), dtype=torch.float64)
        self._weight = 0.0

    def add(self, values: Mapping[str, Tensor], weight: float) -> None:
        """Add a batch's terms with its weight; nothing is read back from the device."""
        terms = torch.stack([values[term].detach() for term in self.terms]).double()
        self._sums = self._sums.to(terms.device) + weight * terms
        self._weight += weight

    def take(self, over_ranks: OverRanks = keep_sums) -> dict[str, float]:
        """Return the mean of each term over all ranks, NaN if nothing was added, and reset."""
        *sums, weight = over_ranks(self._all()).tolist()
        self._sums, self._weight = torch.zeros(len(self.terms), dtype=torch.float64), 0.0
        return {
            term: value / weight if weight else math.nan
            for term, value in zip(self.terms, sums, strict=True)
        }

    def _all(self) -> Tensor:
        weight = torch.tensor([self._weight], dtype=torch.float64, device=self._sums.device)
        return torch.cat([self._sums, weight])

    def state_dict(self, over_ranks: OverRanks = keep_sums) -> dict[str, Any]:
        """The sums and the weight over all ranks, as plain values."""
        *sums, weight = over_ranks(self._all()).tolist()
        return {"sums": sums, "weight": weight}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the sums and the weight."""
        self._sums = torch.tensor(state["sums"], dtype=torch.float64)
        self._weight = state["weight"]


class LoudnessList:
    """Levels of single segments, in dB; their median and range need all of them."""

    def __init__(self) -> None:
        self.levels_db: list[float] = []

    def add(self, original_db: Tensor, decoded_db: Tensor, sounding: Tensor) -> None:
        """Add a batch: two mels in dB (B, 1, M, F), and a mask (B, F) of the frames that count.
        Segments without such frames are left out.
        """
        levels = mel_levels_db(original_db, decoded_db, sounding)
        self.levels_db += levels[sounding.any(dim=1)].tolist()

    def take(
        self, over_ranks: OverRanks = keep_sums, *, rank: int = 0, ranks: int = 1
    ) -> LoudnessRange | None:
        """Return the median and the range over all ranks, None if nothing was added, and reset."""
        counts = torch.zeros(ranks, dtype=torch.int64)
        counts[rank] = len(self.levels_db)
        counts = over_ranks(counts).cpu()
        # each rank fills in its own part, so that the sum over ranks holds all of them
        begin = int(counts[:rank].sum())
        levels = torch.zeros(int(counts.sum()), dtype=torch.float64)
        levels[begin : begin + len(self.levels_db)] = torch.tensor(
            self.levels_db, dtype=torch.float64
        )
        self.levels_db = []
        return loudness_range(over_ranks(levels).tolist()) if len(levels) else None


class MelErrorMean:
    """Mean absolute difference in dB over the frames that hold sound."""

    def __init__(self) -> None:
        self.sum = 0.0
        self.frames = 0

    def add(self, original_db: Tensor, decoded_db: Tensor, sounding: Tensor) -> None:
        """Add a batch: two mels in dB (B, 1, M, F), and a mask (B, F) of the frames that count."""
        error = (original_db - decoded_db).abs().mean(dim=(1, 2))
        self.sum += float(error[sounding].sum())
        self.frames += int(sounding.sum())

    def take(self, over_ranks: OverRanks = keep_sums) -> float:
        """Return the mean over all ranks, NaN if no frame counted, and reset."""
        here = torch.tensor([self.sum, self.frames], dtype=torch.float64)
        total, frames = over_ranks(here).tolist()
        self.sum, self.frames = 0.0, 0
        return float(total / frames) if frames else math.nan
