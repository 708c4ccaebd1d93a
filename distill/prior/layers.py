"""vectors (B, P, W) → vectors (B, P, W): the layers of a transformer that looks back only."""

from __future__ import annotations

import torch
from torch import Tensor, nn

SPREAD = 0.3
"""Of random vectors that stand for something."""
SLOWEST = 10_000.0
"""The slowest rotation turns once in 2π times this number of positions."""


class KeysAndValues:
    """What a layer has seen: keys and values of at most `room` positions, so that each new one
    costs the same. When there is no room, the oldest `step` of them are forgotten.
    """

    def __init__(self, room: int, *, step: int) -> None:
        self._room, self._step = room, step
        self._seen = 0
        self._both: Tensor | None = None

    def add(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Add one position, (B, heads, 1, d) each; return all that is remembered."""
        if self._both is None:
            sounds, heads, _, size = keys.shape
            self._both = keys.new_zeros(2, sounds, heads, self._room, size)
        if self._seen == self._room:
            self._both = self._both.roll(-self._step, dims=3)
            self._seen -= self._step
        place = slice(self._seen, self._seen + 1)
        self._both[0, :, :, place], self._both[1, :, :, place] = keys, values
        self._seen += 1
        remembered_keys, remembered_values = self._both[:, :, :, : self._seen]
        return remembered_keys, remembered_values


class Layer(nn.Module):
    """Attention and a perceptron, both on normalised input and added to it."""

    def __init__(self, width: int, heads: int, *, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(width)
        self.attention_in = nn.Linear(width, 3 * width, bias=False)
        self.attention_out = nn.Linear(width, width, bias=False)
        self.perceptron_norm = nn.LayerNorm(width)
        self.perceptron_in = nn.Linear(width, 4 * width)
        self.perceptron_out = nn.Linear(4 * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, x: Tensor, turns: Tensor | None = None, seen: KeysAndValues | None = None
    ) -> Tensor:
        """Positions (B, P, W) → the same shape; each sees itself and those before it.

        `turns` are those of `rotations` for these positions, for layers that know where positions
        are. With `seen`, there is one new position, which sees those remembered as well.
        """
        x = x + self.dropout(self._attend(self.attention_norm(x), turns, seen))
        inner = nn.functional.gelu(self.perceptron_in(self.perceptron_norm(x)))
        result: Tensor = x + self.dropout(self.perceptron_out(inner))
        return result

    def _attend(self, x: Tensor, turns: Tensor | None, seen: KeysAndValues | None) -> Tensor:
        sounds, positions, width = x.shape
        parts = self.attention_in(x).view(sounds, positions, 3, self.heads, -1)
        queries, keys, values = parts.permute(2, 0, 3, 1, 4)
        if turns is not None:
            queries, keys = _rotate(queries, turns), _rotate(keys, turns)
        if seen is not None:
            keys, values = seen.add(keys, values)
        mixed = nn.functional.scaled_dot_product_attention(
            queries, keys, values, is_causal=seen is None
        )
        out: Tensor = self.attention_out(mixed.transpose(1, 2).reshape(sounds, positions, width))
        return out


def rotations(positions: Tensor, size: int) -> Tensor:
    """Positions (P,) → cosines and sines (2, P, size / 2), by which queries and keys are turned so
    that attention sees how far apart two positions are (RoPE, arXiv:2104.09864).
    """
    steps = torch.arange(size // 2, device=positions.device) / (size // 2)
    angles = positions[:, None] * SLOWEST**-steps
    return torch.stack([angles.cos(), angles.sin()])


def _rotate(x: Tensor, turns: Tensor) -> Tensor:
    cosines, sines = turns
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cosines - second * sines, second * cosines + first * sines], dim=-1)


def random_vectors(count: int, width: int) -> nn.Embedding:
    """A table of vectors that stand for rows, times, classes or places."""
    table = nn.Embedding(count, width)
    nn.init.normal_(table.weight, std=SPREAD)
    return table


def moved_on(cells: Tensor, count: int) -> Tensor:
    """Cells (B, P, ...) moved on by `count` positions, zeros first."""
    kept = cells[:, : max(0, cells.shape[1] - count)]
    return torch.cat([torch.zeros_like(cells[:, :count]), kept], dim=1)
