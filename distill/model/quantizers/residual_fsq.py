"""latent vectors → codes on a finite grid, finer from level to level."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from vector_quantize_pytorch import ResidualFSQ

from distill.model.quantizer import QuantizerSizes, precise
from distill.model.quantizers.projected import ProjectedQuantizer
from distill.plugins import Option

MOST_VALUES = 64


class ResidualFsq(ProjectedQuantizer):
    """Residual finite scalar quantisation (arXiv:2309.15505), by vector_quantize_pytorch: each of a
    few dimensions is rounded to one of `values` values, and what is left again at the next level.
    """

    def __init__(self, sizes: QuantizerSizes, *, values: int = 2) -> None:
        steps = _steps(sizes.codebook_size, values)
        super().__init__(sizes, few=len(steps))
        if self.possible_size(sizes.codebook_size, {"values": values}) != sizes.codebook_size:
            raise ValueError(f"{values} values cannot make {sizes.codebook_size} codes")
        with torch.device("cpu"):  # it reads its own tensors
            self.fsq = ResidualFSQ(levels=steps, num_quantizers=sizes.num_quantizers)

    @classmethod
    def possible_size(cls, codebook_size: int, options: Mapping[str, Option]) -> int:
        """The product of the numbers of values of all dimensions."""
        size = 1
        for step in _steps(codebook_size, int(options["values"])):
            size *= step
        return size

    @property
    def spread(self) -> float:
        """About evenly used values, at ± 1 the outermost."""
        return 1.0

    def grid(self) -> Tensor:
        """(L, K, d)."""
        fsq = self.fsq.to(self.project_in.weight.device)
        books: Tensor = fsq.codebooks * fsq.scales[:, None]
        return books

    def bound(self, few: Tensor) -> Tensor:
        """Softly within the outermost values."""
        limit = self.fsq.soft_clamp_input_value.to(few)
        bounded: Tensor = (few / limit).tanh() * limit
        return bounded

    def choose(self, latents: Tensor) -> Tensor:
        """Vectors (B, N, D) → codes (B, N, L), by rounding."""
        fsq = self.fsq.to(latents.device)
        residual, indices = self.few(precise(latents)), []
        for layer, scale in zip(fsq.layers, fsq.scales.to(residual), strict=True):
            quantized, codes = layer(residual / scale)
            residual = residual - quantized * scale
            indices.append(codes.long())
        return torch.stack(indices, dim=-1)


def _steps(codebook_size: int, values: int) -> list[int]:
    """How many values each dimension has: as many dimensions with `values` as there is room for,
    and one with fewer.
    """
    if not 2 <= values <= min(MOST_VALUES, codebook_size):
        most = min(MOST_VALUES, codebook_size)
        raise ValueError(f"values={values}: must be from 2 to {most}, for so many codes")
    steps, room = list[int](), codebook_size
    while room >= values:
        steps.append(values)
        room //= values
    return [*steps, room] if room > 1 else steps
