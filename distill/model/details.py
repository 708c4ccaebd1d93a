"""the low rows of a mel (B, 1, M, F) ↔ vectors (B, H, W, stride²), one for each of its patches."""

from __future__ import annotations

from torch import Tensor


def patches(mel: Tensor, *, rows: int, stride: int) -> Tensor:
    """The patches of the first `rows` rows of a latent grid, (B, rows, W, stride²), of a mel whose
    frames are a multiple of the stride.
    """
    low = mel[:, 0, : rows * stride]
    parts: Tensor = low.unflatten(1, (rows, stride)).unflatten(3, (-1, stride))
    return parts.transpose(2, 3).flatten(3)


def add_patches(mel: Tensor, vectors: Tensor, *, stride: int) -> Tensor:
    """A mel with the vectors (B, rows, W, stride²) added to its lowest patches."""
    low = vectors.unflatten(3, (stride, stride)).transpose(2, 3).flatten(3).flatten(1, 2)
    result = mel.clone()
    result[:, 0, : low.shape[1]] += low.to(mel.dtype)
    return result
