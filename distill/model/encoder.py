"""log-mel (B, 1, M, F) → latent grid (B, D, H, W) with H = M / 16, W = F / 16."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from distill.model.layers import ChannelNorm, ResidualUnit


class Encoder(nn.Module):
    """One strided convolution and its residual units for each entry of `channels`; each halves both
    directions.
    """

    def __init__(
        self, *, channels: Sequence[int], residual_units: int, latent_dim: int, dropout: float
    ) -> None:
        super().__init__()
        stages: list[nn.Module] = []
        width_in = 1
        for width in channels:
            stages.append(nn.Conv2d(width_in, width, 4, stride=2, padding=1))
            stages += [ResidualUnit(width, dropout) for _ in range(residual_units)]
            width_in = width
        self.stages = nn.Sequential(*stages)
        self.to_latent = nn.Sequential(ChannelNorm(width_in), nn.Conv2d(width_in, latent_dim, 1))

    def forward(self, mel: Tensor) -> Tensor:
        """(B, 1, M, F), both multiples of 2 ** len(channels) → (B, D, H, W)."""
        latent: Tensor = self.to_latent(self.stages(mel))
        return latent
