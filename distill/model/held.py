"""layout of codes → which rows have which levels, and whether codes are where they must be."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from distill.model.layout import NO_CODE, CodeLayout


def held_levels(layout: CodeLayout) -> Tensor:
    """Which rows have which levels, (H, L) bool."""
    return torch.arange(layout.rows)[:, None] < torch.tensor(layout.level_rows)


def are_codes(codes: Tensor, layout: CodeLayout) -> bool:
    """Whether codes (..., H, W, L) are of the codebook of each level where a row has it, and
    NO_CODE elsewhere.
    """
    if codes.shape[-3] != layout.rows or codes.shape[-1] != len(layout.sizes):
        return False
    sizes = torch.tensor(layout.sizes, device=codes.device)
    right = (codes >= 0) & (codes < sizes)
    held = held_levels(layout).to(codes.device)[:, None]
    return bool(torch.where(held, right, codes == NO_CODE).all())


def with_low(indices: Tensor, low: Tensor) -> Tensor:
    """Codes (B, N, L) of all positions, and those of low levels (B, n, l) of the first n, which are
    the low rows' → (B, N, L + l).
    """
    more = nn.functional.pad(low, (0, 0, 0, indices.shape[1] - low.shape[1]), value=NO_CODE)
    return torch.cat([indices, more], dim=-1)
