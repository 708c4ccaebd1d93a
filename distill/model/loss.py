"""reconstruction and target mel → named raw terms → their weighted sum, made only here."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

SCALES = (1, 2, 4)


@dataclass(frozen=True)
class Loss:
    """The raw terms, and the weighted total that is minimised."""

    reconstruction: Tensor
    commitment: Tensor
    total: Tensor


def loss_of(
    reconstruction: Tensor,
    target: Tensor,
    commitment: Tensor,
    *,
    commitment_weight: float,
    frame_weights: Tensor,
) -> Loss:
    """Multi-scale L1 between two mels (B, 1, M, F), with frame weights (B, F), plus
    `commitment_weight` times the scalar `commitment`. All results are scalars.
    """
    spectral = multi_scale_l1(reconstruction, target, frame_weights)
    return Loss(spectral, commitment, spectral + commitment_weight * commitment)


def multi_scale_l1(reconstruction: Tensor, target: Tensor, frame_weights: Tensor) -> Tensor:
    """Mean absolute difference of two mels (B, 1, M, F), with frame weights (B, F), averaged over
    full, half and quarter resolution.
    """
    difference = (reconstruction - target).float() * frame_weights[:, None, None]
    # pooling is linear, so the difference is pooled instead of both mels; with ceil_mode, cells at
    # the edges count too
    terms = [F.avg_pool2d(difference, scale, ceil_mode=True).abs().mean() for scale in SCALES]
    return torch.stack(terms).mean() / frame_weights.mean()
