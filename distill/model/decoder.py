"""latent grid (B, D, H, W) → log-mel (B, 1, 16 H, 16 W): the encoder's mirror."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from distill.model.layers import ChannelNorm, ResidualUnit


class Decoder(nn.Module):
    """Residual units and one transposed convolution for each entry of `channels`, widest first."""

    def __init__(
        self, *, channels: Sequence[int], residual_units: int, latent_dim: int, dropout: float
    ) -> None:
        super().__init__()
        widths = list(reversed(channels))
        stages: list[nn.Module] = [nn.Conv2d(latent_dim, widths[0], 1)]
        for width, width_out in zip(widths, [*widths[1:], 1], strict=True):
            stages += [ResidualUnit(width, dropout) for _ in range(residual_units)]
            stages += [
                ChannelNorm(width),
                nn.ConvTranspose2d(width, width_out, 4, stride=2, padding=1),
            ]
        self.stages = nn.Sequential(*stages)

    def forward(self, latent: Tensor) -> Tensor:
        """(B, D, H, W) → (B, 1, H · 2^S, W · 2^S), S = len(channels)."""
        mel: Tensor = self.stages(latent)
        return mel
