"""log-mel (B, 1, M, F) → latent grid (B, D, H, W), H = M / stride, W = F / stride."""

from __future__ import annotations

from torch import Tensor, nn

from distill.model.layers import ChannelNorm, ResidualUnit


class Encoder(nn.Module):
    """Patches of `stride` × `stride` cells, each mapped to `channels` numbers, as in vision
    transformers (arXiv:2010.11929); then residual units on the grid of patches.

    All convolutions work on the latent grid, where products of matrices take most of the time. At
    the mel's own resolution, a processor would wait for memory.
    """

    def __init__(
        self, *, channels: int, stride: int, residual_units: int, latent_dim: int, dropout: float
    ) -> None:
        super().__init__()
        self.patches = nn.Conv2d(1, channels, stride, stride=stride)
        self.units = nn.Sequential(
            *(ResidualUnit(channels, dropout) for _ in range(residual_units))
        )
        self.to_latent = nn.Sequential(ChannelNorm(channels), nn.Conv2d(channels, latent_dim, 1))

    def forward(self, mel: Tensor) -> Tensor:
        """(B, 1, M, F), M and F multiples of the stride → (B, D, H, W)."""
        latent: Tensor = self.to_latent(self.units(self.patches(mel)))
        return latent
