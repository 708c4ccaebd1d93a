"""latent grid (B, D, H, W) → log-mel (B, 1, H · S, W · S), where S is the total stride."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from distill.model.layers import ChannelNorm, ResidualUnit


class Decoder(nn.Module):
    """Reverses the encoder's stages: for each entry of `channels`, from the last to the first,
    residual units and one transposed convolution.
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
        widths = list(reversed(channels))
        stages: list[nn.Module] = [nn.Conv2d(latent_dim, widths[0], 1)]
        strides = [*[2] * (len(widths) - 1), stem_stride]
        for width, width_out, stride in zip(widths, [*widths[1:], 1], strides, strict=True):
            stages += [ResidualUnit(width, dropout) for _ in range(residual_units)]
            stages += [
                ChannelNorm(width),
                nn.ConvTranspose2d(
                    width, width_out, 2 * stride, stride=stride, padding=stride // 2
                ),
            ]
        self.stages = nn.Sequential(*stages)

    def forward(self, latent: Tensor) -> Tensor:
        """(B, D, H, W) → (B, 1, H · S, W · S), where S is the total stride."""
        mel: Tensor = self.stages(latent)
        return mel
