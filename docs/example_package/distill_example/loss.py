"""A loss that looks at the loudest parts most."""

from __future__ import annotations

import math

import torch
from torch import Tensor

NEPER_PER_DB = math.log(10) / 20


def convergence(
    reconstruction: Tensor,
    target: Tensor,
    frame_weights: Tensor,
    *,
    std_db: float,
    absolute_weight: float = 1.0,
) -> Tensor:
    """Spectral convergence of the magnitudes, and the mean absolute difference of the mels.

    Both mels are (B, 1, M, F), normalised: 1 is `std_db` dB. The frame weights are (B, F).
    """
    weights = frame_weights[:, None, None]
    first, second = (
        torch.exp(mel.float().clamp(max=4) * std_db * NEPER_PER_DB) * weights
        for mel in (reconstruction, target)
    )
    converged = (first - second).norm() / second.norm().clamp(min=1e-6)
    absolute = ((reconstruction - target).abs() * weights).mean() / frame_weights.mean()
    return converged + absolute_weight * absolute
