"""features (B, C, H, W) → features of the same shape: a norm over channels and a residual unit."""

from __future__ import annotations

from torch import Tensor, nn


class ChannelNorm(nn.Module):
    """Layer norm over the channels of each position of (B, C, H, W).

    Each position has its own statistics, so a long sound coded in chunks gives the same result as
    coded in one piece.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) → (B, C, H, W); without copies if x is in channels-last order."""
        normalised: Tensor = self.norm(x.permute(0, 2, 3, 1))
        return normalised.permute(0, 3, 1, 2)


class ResidualUnit(nn.Module):
    """x + conv1×1(dropout(SiLU(conv3×3(norm(x))))); both convolutions keep the channels of x."""

    def __init__(self, channels: int, dropout: float) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            ChannelNorm(channels),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.SiLU(),
            nn.Dropout2d(dropout),
            nn.Conv2d(channels, channels, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) → (B, C, H, W)."""
        branch: Tensor = self.branch(x)
        return x + branch
