"""codes (B, H, W, L) → how likely each code is, given those before it: a transformer over blocks.

One position is a block of neighbouring cells of the latent grid; positions go up the rows of a
column of blocks, then on in time. The trunk sees all blocks before; a small second transformer
draws the codes within a block one after the other (RQ-Transformer, arXiv:2203.01941).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from distill.model.held import held_levels
from distill.prior.conditions import TIMES, UNKNOWN, Conditions, time_step
from distill.prior.config import PriorNetworkConfig
from distill.prior.head import CodeHead
from distill.prior.layers import KeysAndValues, Layer, moved_on, random_vectors, rotations

LEVEL_WAVES = 4
LONGEST_WAVE_DB = 120.0


class PriorNetwork(nn.Module):
    """Says how likely codes are. It reads them as the vectors that the codec's codebooks have for
    them, so that codes with like sounds are alike to it, too.
    """

    kind = "transformer"

    def __init__(self, config: PriorNetworkConfig, codebooks: Sequence[Tensor]) -> None:
        """`codebooks` are the codec's, one (K, D) for each level; the weights do not hold them."""
        super().__init__()
        self.config = config
        width, depth = config.width, config.depth_width
        cells, dim = config.block_rows * config.block_columns, config.codebook_dim
        powers = [book.square().sum(dim=-1).mean() for book in codebooks]
        size = torch.stack(powers).sum().sqrt()  # of a sum of codes
        self.register_buffer("scale", math.sqrt(dim) / size, persistent=False)
        self.scale: Tensor
        largest = max(config.layout.sizes)
        # zeros after the last code: what NO_CODE, the last index, stands for
        books = [nn.functional.pad(each, (0, 0, 0, largest + 1 - len(each))) for each in codebooks]
        scaled = (torch.stack(books) * self.scale).float()
        self.register_buffer("_codebooks", scaled, persistent=False)
        self._codebooks: Tensor

        self.before = nn.Linear(cells * dim, width)
        self.left = nn.Linear(cells * dim, width)
        self.nothing_before = nn.Parameter(torch.zeros(width))
        self.nothing_left = nn.Parameter(torch.zeros(width))
        self.row = random_vectors(config.positions, width)
        self.since = random_vectors(TIMES, width)
        self.to_go = random_vectors(TIMES + 1, width)
        self.label = random_vectors(config.classes + 1, width)
        self.level = nn.Linear(2 * LEVEL_WAVES, width)
        self.no_level = nn.Parameter(torch.zeros(width))
        self.dropout = nn.Dropout(config.dropout)
        self.trunk = nn.ModuleList(
            Layer(width, config.heads, dropout=config.dropout) for _ in range(config.layers)
        )
        self.trunk_norm = nn.LayerNorm(width)

        self.to_depth = nn.Linear(width, depth)
        self.neighbours = nn.Linear((config.block_rows + config.block_columns) * dim, depth)
        self.place = random_vectors(config.block_codes, depth)
        self.code = nn.Linear(dim, depth)
        self.depth = nn.ModuleList(
            Layer(depth, config.depth_heads, dropout=0.0)  # it sees little at a time
            for _ in range(config.depth_layers)
        )
        self.depth_norm = nn.LayerNorm(depth)
        self.head = CodeHead(config.every_level, width=depth, dim=dim)
        self.frequency = nn.Parameter(
            torch.zeros(config.positions * config.block_rows, config.every_level, largest)
        )
        """Logarithm of how frequent each code is, by row and level: where the training begins."""

    def forward(self, codes: Tensor, conditions: Conditions, valid: Tensor) -> Tensor:
        """Codes (B, H, W, L) int64 and which columns hold codes (B, W) bool → logits (N, S, K) for
        the S codes of each of the N blocks that hold any, in the order of `blocks(codes)`. Those
        after the last code of a level, and those of levels that a row does not have, are 0.
        """
        blocks = self.blocks(codes)
        sounds, count, _ = blocks.shape
        vectors = self.vectors(blocks)
        cells = vectors.sum(dim=3)
        places = torch.arange(count, device=codes.device)
        before = moved_on(cells, 1)
        left = moved_on(cells, self.config.positions)
        x = self.trunk_input(before, left, places, conditions)
        turns = self.turns(places)
        for layer in self.trunk:
            x = layer(x, turns)
        context = self.context(x, before, left, places)
        held = self.block_mask(valid)
        known = vectors.flatten(2, 3)[held][:, :-1]
        rows = (places % self.config.positions).expand(sounds, count)[held]
        return self.logits(context[held], known, rows)

    # Shapes

    def blocks(self, codes: Tensor) -> Tensor:
        """Codes (B, H, W, L) → blocks (B, P, S); what is missing in the last ones is 0."""
        config = self.config
        rows, columns = config.block_rows, config.block_columns
        height, width = codes.shape[1:3]
        codes = nn.functional.pad(codes, (0, 0, 0, -width % columns, 0, -height % rows))
        parts = codes.unflatten(1, (-1, rows)).unflatten(3, (-1, columns))
        result: Tensor = parts.permute(0, 3, 1, 4, 2, 5).flatten(3).flatten(1, 2)
        return result

    def codes(self, blocks: Tensor) -> Tensor:
        """Blocks (B, P, S) → codes (B, H, W, L), W a multiple of a block's columns."""
        config = self.config
        cells = (config.block_columns, config.block_rows, config.every_level)
        parts = blocks.unflatten(1, (-1, config.positions)).unflatten(3, cells)
        grid = parts.permute(0, 2, 4, 1, 3, 5).flatten(3, 4).flatten(1, 2)
        result: Tensor = grid[:, : config.rows]
        return result

    def block_mask(self, valid: Tensor) -> Tensor:
        """Columns that hold codes (B, W) → blocks that hold any (B, P)."""
        columns = self.config.block_columns
        wide = nn.functional.pad(valid, (0, -valid.shape[1] % columns)).unflatten(1, (-1, columns))
        result: Tensor = wide.any(dim=2).repeat_interleave(self.config.positions, dim=1)
        return result

    def code_mask(self, valid: Tensor) -> Tensor:
        """Columns that hold codes (B, W) → which codes of the blocks (N, S) are real."""
        held = held_levels(self.config.layout).to(valid.device)
        real = valid[:, None, :, None] & held[:, None]
        return self.blocks(real)[self.block_mask(valid)]

    def block_vectors(self, vectors: Tensor) -> Tensor:
        """Vectors of cells (H, W, D), by the codec's codebooks → those of blocks (P, cells, D), in
        the sizes that this network reads.
        """
        config = self.config
        rows, columns = config.block_rows, config.block_columns
        height, width = vectors.shape[:2]
        grown = (0, 0, 0, -width % columns, 0, -height % rows)
        parts = nn.functional.pad(vectors * self.scale, grown)
        parts = parts.unflatten(0, (-1, rows)).unflatten(2, (-1, columns))
        result: Tensor = parts.permute(2, 0, 3, 1, 4).flatten(2, 3).flatten(0, 1)
        return result

    def vectors(self, blocks: Tensor) -> Tensor:
        """Blocks (..., S) → the vectors of their codes (..., cells, L, D), zeros for NO_CODE."""
        by_level = blocks.unflatten(-1, (-1, self.config.every_level)).unbind(-1)
        books = self._codebooks
        return torch.stack([book[code] for book, code in zip(books, by_level, strict=True)], dim=-2)

    @property
    def codebooks(self) -> list[Tensor]:
        """The codebook of each level (K, D), in the sizes that this network reads."""
        sizes = zip(self._codebooks, self.config.layout.sizes, strict=True)
        return [book[:size] for book, size in sizes]

    def keys(self) -> list[Tensor]:
        """What the codes of each level are asked for by, (K, D)."""
        return self.head.keys(self.codebooks)

    # The parts, which sampling uses as well

    def trunk_input(
        self, before: Tensor, left: Tensor, places: Tensor, conditions: Conditions
    ) -> Tensor:
        """The cells (B, P, cells, D) of the blocks before and to the left, and which positions (P,)
        these are, counted from the first column → what the trunk reads (B, P, W).
        """
        config = self.config
        column, row = places // config.positions, places % config.positions
        time = conditions.first[:, None] + column
        to_go = time_step(conditions.columns[:, None] - time)
        to_go = to_go.masked_fill(conditions.columns[:, None] == UNKNOWN, TIMES)
        label = conditions.label.masked_fill(conditions.label == UNKNOWN, config.classes)
        sound = self.label(label) + self._level(conditions)
        x = self.row(row) + self.since(time_step(time)) + self.to_go(to_go) + sound[:, None]
        has_before, has_left = (places > 0)[:, None], (places >= config.positions)[:, None]
        x = x + torch.where(has_before, self.before(before.flatten(2)), self.nothing_before)
        x = x + torch.where(has_left, self.left(left.flatten(2)), self.nothing_left)
        result: Tensor = self.dropout(x)
        return result

    def turns(self, places: Tensor) -> Tensor:
        """The rotations of the trunk's attention."""
        return rotations(places, self.config.width // self.config.heads)

    def context(self, x: Tensor, before: Tensor, left: Tensor, places: Tensor) -> Tensor:
        """What the trunk made of each position, and the cells that touch it → (B, P, depth)."""
        config = self.config
        shape = (config.block_columns, config.block_rows)
        nearest_left = left.unflatten(2, shape)[:, :, -1]
        nearest_below = before.unflatten(2, shape)[:, :, :, -1]
        is_lowest = places % config.positions == 0
        nearest_below = nearest_below.masked_fill(is_lowest[:, None, None], 0.0)
        touching = torch.cat([nearest_left, nearest_below], dim=2).flatten(2)
        result: Tensor = self.to_depth(self.trunk_norm(x)) + self.neighbours(touching)
        return result

    def logits(self, context: Tensor, known: Tensor, rows: Tensor) -> Tensor:
        """Context (N, depth), the vectors of all codes of a block but the last (N, S - 1, D), and
        which row of blocks it is in (N,) → logits (N, S, K). Those of a code do not depend on the
        vectors of later ones.
        """
        alike: dict[tuple[bool, ...], list[int]] = {}
        keys = self.keys()
        for row, held in enumerate(self.config.held):
            alike.setdefault(held, []).append(row)
        shape = (len(rows), self.config.block_codes, self.frequency.shape[-1])
        result = self.frequency.new_zeros(shape)  # not in the context's type, which can be bf16
        for held, of_rows in alike.items():
            (mine,) = torch.isin(rows, torch.tensor(of_rows, device=rows.device)).nonzero(
                as_tuple=True
            )
            if len(mine):
                places = [place for place, has in enumerate(held) if has]
                told = context[mine], known[mine], rows[mine]
                result[mine] = self._logits_at(places, *told, keys)
        return result

    def next_logits(
        self,
        context: Tensor,
        before: Tensor | None,
        seen: Sequence[KeysAndValues],
        keys: Sequence[Tensor],
        *,
        row: int,
        place: int,
    ) -> Tensor:
        """Those of one place, of blocks that are all in the same row, (N, K of its level), when
        all places before it have been asked for. `before` is the code before it (N,), None at the
        first, `seen` what the depth layers remember of the block, and `keys` are those of `keys`.
        """
        config = self.config
        cell, level = divmod(place, config.every_level)
        x = context + self.place.weight[place]
        if before is not None:
            earlier = [each for each in range(place) if config.held[row][each]][-1]
            x = x + self.code(self._codebooks[earlier % config.every_level][before])
        x = x[:, None]
        for layer, remembered in zip(self.depth, seen, strict=True):
            x = layer(x, None, remembered)
        frequency = self.frequency[row * config.block_rows + cell % config.block_rows, level]
        logits: Tensor = self.head(self.depth_norm(x)[:, 0], level, keys)
        return logits + frequency[: config.layout.sizes[level]]

    def _logits_at(
        self,
        places: Sequence[int],
        context: Tensor,
        known: Tensor,
        rows: Tensor,
        keys: Sequence[Tensor],
    ) -> Tensor:
        """`logits` of blocks that have codes at these places only."""
        config = self.config
        at = torch.tensor(places, device=context.device)
        before = nn.functional.pad(at[:-1] + 1, (1, 0))  # each is told the code before it
        x = nn.functional.pad(self.code(known), (0, 0, 1, 0))[:, before]
        x = x + self.place.weight[at] + context[:, None]
        for layer in self.depth:
            x = layer(x)
        x = self.depth_norm(x)
        frequency = self.frequency.unflatten(0, (-1, config.block_rows))[rows]
        shape = (len(rows), config.block_codes, self.frequency.shape[-1])
        result = self.frequency.new_zeros(shape)
        for level, size in enumerate(config.layout.sizes):
            (mine,) = (at % config.every_level == level).nonzero(as_tuple=True)
            row = at[mine] // config.every_level % config.block_rows
            likeness = self.head(x[:, mine], level, keys)
            result[:, at[mine], :size] = likeness + frequency[:, row, level, :size]
        return result

    def remember_nothing(self) -> list[KeysAndValues]:
        """For each layer of the trunk, room for what it will have seen."""
        step = self.config.positions
        return [KeysAndValues(self.config.window * step, step=step) for _ in self.trunk]

    def begin_block(self) -> list[KeysAndValues]:
        """The same for the layers of the depth, and the codes of one block."""
        return [KeysAndValues(self.config.block_codes, step=1) for _ in self.depth]

    def _level(self, conditions: Conditions) -> Tensor:
        level_db = conditions.level_db
        waves = 2.0 ** torch.arange(LEVEL_WAVES, device=level_db.device)
        angles = level_db.nan_to_num()[:, None] * (2 * math.pi / LONGEST_WAVE_DB) * waves
        known = self.level(torch.cat([angles.sin(), angles.cos()], dim=1))
        return torch.where(level_db.isnan()[:, None], self.no_level, known)
