"""latent vectors → the signs of a few dimensions, half as large from level to level."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from vector_quantize_pytorch import ResidualLFQ

from distill.model.quantizer import QuantizerSizes, precise
from distill.model.quantizers.projected import ProjectedQuantizer
from distill.plugins import Option


class ResidualLfq(ProjectedQuantizer):
    """Residual lookup-free quantisation (MAGVIT-v2, arXiv:2310.05737), by vector_quantize_pytorch.

    The entropy loss, by `entropy_weight`, makes each choice clear and all codes used alike.
    """

    def __init__(self, sizes: QuantizerSizes, *, entropy_weight: float = 0.02) -> None:
        options = {"entropy_weight": entropy_weight}
        if self.possible_size(sizes.codebook_size, options) != sizes.codebook_size:
            raise ValueError(f"{sizes.codebook_size} is no power of 2")
        super().__init__(sizes, few=sizes.codebook_size.bit_length() - 1)
        self.entropy_weight = entropy_weight
        with torch.device("cpu"):  # its masks are no weights
            self.lfq = ResidualLFQ(
                dim=sizes.codebook_size.bit_length() - 1,
                codebook_size=sizes.codebook_size,
                num_quantizers=sizes.num_quantizers,
            )

    @classmethod
    def possible_size(cls, codebook_size: int, options: Mapping[str, Option]) -> int:
        """A power of 2."""
        entropy_weight = float(options["entropy_weight"])
        if not 0 <= entropy_weight <= 100:
            raise ValueError(f"entropy_weight={entropy_weight:g}: must be from 0 to 100")
        return 1 << (codebook_size.bit_length() - 1)

    def grid(self) -> Tensor:
        """(L, K, d)."""
        books: Tensor = self.lfq.to(self.project_in.weight.device).codebooks
        return books

    def choose(self, latents: Tensor) -> Tensor:
        """Vectors (B, N, D) → codes (B, N, L), by their signs."""
        layers = self.lfq.to(latents.device).layers
        residual, indices = self.few(precise(latents)), []
        for layer in layers:
            bits = residual > 0
            indices.append((bits.long() * layer.mask.long()).sum(dim=-1))
            residual = residual - torch.where(bits, 1.0, -1.0) * layer.codebook_scale
        return torch.stack(indices, dim=-1)

    def penalty(self, latents: Tensor, indices: Tensor) -> Tensor:
        """The library's entropy loss, the mean of all levels."""
        if not self.entropy_weight:
            return latents.new_zeros(())
        losses: Tensor = self.lfq.to(latents.device)(self.few(latents))[2]
        return self.entropy_weight * losses.mean()
