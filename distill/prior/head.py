"""what a prior's network made of a place, and the vectors of a level's codes → logits."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

KEY_WIDTH = 256
"""Of the perceptron that makes a key of a code's vector."""
SHARPNESS = 4.0
"""Of the first logits, so that queries and keys need not grow to tell codes apart."""
SMALLEST = 1e-12


class CodeHead(nn.Module):
    """Asks for codes by what their vectors say, as a tied softmax does (arXiv:1608.05859), so that
    a network that has learnt with other codebooks can tell the codes of these apart, too.
    """

    def __init__(self, levels: int, *, width: int, dim: int) -> None:
        """`width` is that of what is known of a place, `dim` that of a code's vector."""
        super().__init__()
        self.queries = nn.ModuleList(nn.Linear(width, dim, bias=False) for _ in range(levels))
        for query in self.queries.parameters():
            nn.init.normal_(query, std=0.004)  # the frequencies come first
        self.key_in = nn.ModuleList(nn.Linear(dim, KEY_WIDTH) for _ in range(levels))
        self.key_out = nn.ModuleList(nn.Linear(KEY_WIDTH, dim, bias=False) for _ in range(levels))
        self.sharpness = nn.Parameter(torch.full((levels,), SHARPNESS))

    def keys(self, codebooks: Sequence[Tensor]) -> list[Tensor]:
        """The codebook of each level (K, D) → what its codes are asked for by, (K, D) too."""
        found = []
        for book, first, second in zip(codebooks, self.key_in, self.key_out, strict=True):
            even = book / book.square().mean().sqrt().clamp(min=SMALLEST)
            found.append(even + second(nn.functional.gelu(first(even))))
        return found

    def forward(self, x: Tensor, level: int, keys: Sequence[Tensor]) -> Tensor:
        """What is known of places (..., width), and the keys of all levels → the logits of a level
        (..., K), but for how frequent each code is.
        """
        asked = self.queries[level](x) * (self.sharpness[level] / math.sqrt(keys[level].shape[1]))
        return nn.functional.linear(asked, keys[level])
