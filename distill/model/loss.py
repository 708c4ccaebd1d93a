"""reconstruction and target mel → named raw terms → their weighted sum, made only here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

CELLS = (4, 8, 16)
"""Bins and frames of the cells whose power is compared."""
NEPER_PER_DB = math.log(10) / 10
"""A power in dB, times this, is its natural logarithm."""
LEAST_POWER = 1e-12
"""Added to a cell's power, in which 1 is the collection's mean level; 0 has no logarithm."""


@dataclass(frozen=True)
class Loss:
    """The raw terms, and the weighted total that is minimised."""

    reconstruction: Tensor
    commitment: Tensor
    penalty: Tensor
    total: Tensor

    @property
    def terms(self) -> dict[str, Tensor]:
        """By the names that they are logged with."""
        own = {"reconstruction": self.reconstruction, "commitment": self.commitment}
        return {"loss": self.total, **own, "penalty": self.penalty}


class MelLoss(Protocol):
    """Anything that compares mels: arguments and result as of `mel_loss`; options besides."""

    def __call__(
        self, reconstruction: Tensor, target: Tensor, frame_weights: Tensor, *, std_db: float
    ) -> Tensor:
        """Two normalised mels (B, 1, M, F) and frame weights (B, F) → scalar."""


def loss_of(
    reconstruction: Tensor,
    target: Tensor,
    commitment: Tensor,
    *,
    commitment_weight: float,
    penalty: Tensor | float = 0.0,
    frame_weights: Tensor,
    std_db: float,
    kind: MelLoss | None = None,
) -> Loss:
    """`mel_loss`, or another `kind` of loss, of two mels (B, 1, M, F), with frame weights (B, F),
    plus `commitment_weight` times the scalar `commitment`, plus the quantizer's own `penalty`. All
    results are scalars.
    """
    spectral = (kind or mel_loss)(reconstruction, target, frame_weights, std_db=std_db)
    total = spectral + commitment_weight * commitment + penalty
    return Loss(spectral, commitment, torch.as_tensor(penalty, device=total.device), total)


def mel_loss(
    reconstruction: Tensor, target: Tensor, frame_weights: Tensor, *, std_db: float
) -> Tensor:
    """Two normalised mels (B, 1, M, F), `std_db` dB being 1, and frame weights (B, F) → scalar: the
    mean difference of all values, plus that of the power in cells of three sizes.

    By the first alone, whose best answer is the median, loud bins are flattened: each is rare, and
    surrounded by quieter ones. The power of a cell, in dB, is nearly that of its loudest bins.
    """
    weights = frame_weights[:, None, None].float()
    difference = (reconstruction - target).float().abs() * weights
    terms = []
    per_unit = NEPER_PER_DB * std_db
    powers = [torch.exp(per_unit * mel.float()) for mel in (reconstruction, target)]
    for size in CELLS:
        first, second = (torch.log(_cells(power, size) + LEAST_POWER) for power in powers)
        # with one row, as the weights have, all rows of cells are alike
        cell_weights = F.avg_pool2d(weights, (1, size), ceil_mode=True)
        terms.append(((first - second).abs() * cell_weights).mean() / per_unit)
    return (difference.mean() + torch.stack(terms).mean()) / frame_weights.mean()


def _cells(values: Tensor, size: int) -> Tensor:
    """Means over cells of (B, 1, M, F); with ceil_mode, cells at the edges count too."""
    return F.avg_pool2d(values, size, ceil_mode=True)
