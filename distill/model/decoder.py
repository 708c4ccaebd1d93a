"""latent grid (B, D, H, W) → log-mel (B, 1, H · stride, W · stride)."""

from __future__ import annotations

from torch import Tensor, nn

from distill.model.layers import ChannelNorm, ResidualUnit


class Decoder(nn.Module):
    """Reverses the encoder: residual units on the latent grid, then each position becomes a patch
    of the mel, twice as wide and high as the stride.

    The patches overlap and are added: of patches side by side, single cells stick out as dots where
    a sound is unlike those trained on.
    """

    def __init__(
        self, *, channels: int, stride: int, residual_units: int, latent_dim: int, dropout: float
    ) -> None:
        super().__init__()
        self.from_latent = nn.Conv2d(latent_dim, channels, 1)
        self.units = nn.Sequential(
            *(ResidualUnit(channels, dropout) for _ in range(residual_units))
        )
        self.stride = stride
        overlap = stride // 2  # on each side
        self.to_patches = nn.Sequential(
            ChannelNorm(channels),
            nn.ConvTranspose2d(channels, 1, stride + 2 * overlap, stride=stride, padding=overlap),
        )

    def forward(self, latent: Tensor) -> Tensor:
        """(B, D, H, W) → (B, 1, H · stride, W · stride)."""
        mel: Tensor = self.to_patches(self.units(self.from_latent(latent)))
        return mel

    def low(self, latent: Tensor, rows: int) -> Tensor:
        """(B, D, H, W) → the lowest rows alone, (B, 1, rows · stride, W · stride): each layer works
        on no more than the next ones see.
        """
        reach = len(self.units) + 1
        features: Tensor = self.from_latent(latent[:, :, : rows + reach])
        for unit in self.units:
            features = unit(features)[:, :, : rows + reach - 1]
            reach -= 1
        mel: Tensor = self.to_patches(features)
        return mel[:, :, : rows * self.stride]
