"""log-mel (B, 1, M, F) → latent grid (B, D, H, W), H = M / S, W = F / S for the total stride S."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from distill.model.layers import ChannelNorm, ResidualUnit


class Encoder(nn.Module):
    """One strided convolution and some residual units for each entry of `channels`. The first
    convolution divides height and width by `stem_stride`, each other one by 2.
    """

    def __init__(
        self,
        *,
        channels: Sequence[int],
        stem_stride: int,
        residual_units: int,
        latent_dim: int,
        dropout: float,
    ) -> None:
        super().__init__()
        stages: list[nn.Module] = []
        width_in, stride = 1, stem_stride
        for width in channels:
            stages.append(
                nn.Conv2d(width_in, width, 2 * stride, stride=stride, padding=stride // 2)
            )
            stages += [ResidualUnit(width, dropout) for _ in range(residual_units)]
            width_in, stride = width, 2
        self.stages = nn.Sequential(*stages)
        self.to_latent = nn.Sequential(ChannelNorm(width_in), nn.Conv2d(width_in, latent_dim, 1))

    def forward(self, mel: Tensor) -> Tensor:
        """(B, 1, M, F), M and F multiples of the total stride → (B, D, H, W)."""
        latent: Tensor = self.to_latent(self.stages(mel))
        return latent
