"""features of frames (B, F, C) → the same, changed by what is beside them."""

from __future__ import annotations

from torch import Tensor, nn

KERNEL = 7
"""Frames that a convolution sees."""


class Block(nn.Module):
    """x + linear(GELU(linear(norm(depthwise convolution(x))))), as in ConvNeXt (arXiv:2201.03545),
    over time as in Vocos (arXiv:2306.00814).
    """

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.in_time = nn.Conv1d(channels, channels, KERNEL, padding=KERNEL // 2, groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.wider = nn.Linear(channels, hidden)
        self.back = nn.Linear(hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, F, C) → (B, F, C)."""
        seen = self.norm(self.in_time(x.transpose(1, 2)).transpose(1, 2))
        changed: Tensor = self.back(nn.functional.gelu(self.wider(seen)))
        return x + changed
