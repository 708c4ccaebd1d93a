"""codes (C, H, W, L) ↔ bytes, each code in as few bits as its codebook needs."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from distill.model.held import held_levels
from distill.model.layout import NO_CODE, CodeLayout, bits_per_code

BLOCK_CODES = 1 << 16
"""About this number of codes are packed at a time."""


def _bit_places(layout: CodeLayout, channels: int) -> np.ndarray:
    """For each code of a column of all channels, which of the bits of the longest codes it has,
    most significant first.
    """
    bits = np.array([[bits_per_code(size) for size in layout.sizes]] * layout.rows)
    own = np.tile(bits[held_levels(layout).numpy()], channels)
    places: np.ndarray = np.arange(bits.max() - 1, -1, -1) < own[:, None]
    return places


def _block_columns(codes: int) -> int:
    """How many columns of this number of codes are packed at a time; a multiple of 8, so that a
    block ends at the end of a byte.
    """
    return 8 * max(1, BLOCK_CODES // (8 * codes))


def pack_codes(indices: Tensor, layout: CodeLayout) -> bytes:
    """Codes (C, H, W, L) → bytes in order of time."""
    columns = indices.permute(2, 0, 1, 3)[..., held_levels(layout)].flatten(1).cpu().numpy()
    places = _bit_places(layout, len(indices))
    shifts = np.arange(places.shape[1] - 1, -1, -1)
    step = _block_columns(columns.shape[1])
    blocks = (columns[start : start + step] for start in range(0, len(columns), step))
    return b"".join(
        np.packbits((block[..., None] >> shifts & 1).astype(np.uint8)[:, places]).tobytes()
        for block in blocks
    )


def unpack_codes(payload: bytes, count: int, channels: int, layout: CodeLayout) -> Tensor:
    """Bytes → codes (C, H, W, L) int64 of `count` columns; NO_CODE where a row lacks a level."""
    places, held = _bit_places(layout, channels), held_levels(layout)
    codes = np.zeros((count, len(places)), np.int64)
    packed, bits = np.frombuffer(payload, np.uint8), int(places.sum())
    step = _block_columns(len(places))
    for start in range(0, count, step):
        block = codes[start : start + step]
        read = np.unpackbits(packed[start * bits // 8 :], count=len(block) * bits)
        whole = np.zeros((len(block), *places.shape), np.uint8)
        whole[:, places] = read.reshape(len(block), bits)
        for place in range(places.shape[1]):
            block <<= 1
            block |= whole[..., place]
    indices = torch.full((count, channels, *held.shape), NO_CODE)
    indices[..., held] = torch.from_numpy(codes).unflatten(1, (channels, -1))
    return indices.permute(1, 2, 0, 3).contiguous()
