"""the sizes of a prior's network, and which codes the blocks have that it draws."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch

from distill.model.held import held_levels
from distill.model.layout import CodeLayout


@dataclass(frozen=True)
class PriorNetworkConfig:
    """The sizes of a PriorNetwork."""

    rows: int
    """H of the codec's latent grid."""
    levels: int
    codebook_size: int
    codebook_dim: int
    block_rows: int
    block_columns: int
    width: int
    layers: int
    heads: int
    depth_width: int
    depth_layers: int
    depth_heads: int
    window: int
    """Block columns that are seen at once."""
    classes: int
    dropout: float
    low_levels: int = 0
    """Levels that only the low rows have; they come after the others."""
    low_codebook_size: int = 0

    @property
    def layout(self) -> CodeLayout:
        """Which codes a column of the codec's latent grid has."""
        return CodeLayout(
            self.rows, self.levels, self.codebook_size, self.low_levels, self.low_codebook_size
        )

    @property
    def every_level(self) -> int:
        """L: levels of all rows, and those that only the low rows have."""
        return self.levels + self.low_levels

    @property
    def block_codes(self) -> int:
        """S: codes in a block, with places for those that its rows do not have."""
        return self.block_rows * self.block_columns * self.every_level

    @property
    def positions(self) -> int:
        """Blocks in a column of blocks."""
        return -(-self.rows // self.block_rows)

    @cached_property
    def held(self) -> list[tuple[bool, ...]]:
        """For each row of blocks, which of its S places hold codes: of all levels in the low rows,
        and of the levels of all rows in the others.
        """
        held = torch.zeros(self.positions * self.block_rows, self.every_level, dtype=torch.bool)
        held[:, : self.levels] = True
        held[: self.rows] |= held_levels(self.layout)
        cells = held.unflatten(0, (-1, self.block_rows))[:, None]
        places = cells.expand(-1, self.block_columns, -1, -1).flatten(1)
        return [tuple(row) for row in places.tolist()]
