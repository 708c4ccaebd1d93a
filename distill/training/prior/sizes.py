"""number of codes → the sizes of a prior's network, how it is trained, and why."""

from __future__ import annotations

from dataclasses import dataclass

from distill.model.config import VQVAEConfig
from distill.prior.config import PriorNetworkConfig
from distill.settings.schema import PRIOR_HEAD

BLOCK_ROWS = BLOCK_COLUMNS = 2
WINDOW = 24
"""Block columns; with the default codec four seconds."""
DEPTH_WIDTH = 128
FEWEST_SOUNDS = 512
"""Of an epoch whose length is not given: small collections are used several times in it."""


@dataclass(frozen=True)
class Size:
    """Width and layers of the trunk, and the dropout of all."""

    width: int
    layers: int
    dropout: float


SIZES = (
    (100_000, Size(192, 4, 0.3)),
    (2_000_000, Size(192, 4, 0.2)),
    (20_000_000, Size(192, 4, 0.1)),
)
"""The largest number of codes on the training side, and the size for it. All of them have starter
weights; a larger one would need more minutes than a default run has.
"""
LARGEST = Size(256, 6, 0.1)


def choose_size(codes: int) -> Size:
    """The size for this number of codes on the training side."""
    return next((size for most, size in SIZES if codes <= most), LARGEST)


def network_config(
    size: Size, codec: VQVAEConfig, *, rows: int, classes: int
) -> PriorNetworkConfig:
    """The whole configuration, for the codes of a codec with `rows` latent rows."""
    return PriorNetworkConfig(
        rows=rows,
        levels=codec.num_quantizers,
        codebook_size=codec.codebook_size,
        codebook_dim=codec.vector_dim,
        block_rows=min(BLOCK_ROWS, rows),
        block_columns=BLOCK_COLUMNS,
        width=size.width,
        layers=size.layers,
        heads=max(1, size.width // PRIOR_HEAD),
        depth_width=DEPTH_WIDTH,
        depth_layers=1,
        depth_heads=DEPTH_WIDTH // PRIOR_HEAD,
        window=WINDOW,
        classes=classes,
        dropout=size.dropout,
        low_levels=codec.low_levels,
        low_codebook_size=codec.low_codebook_size,
    )
