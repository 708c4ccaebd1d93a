"""latent vectors → fixed codes behind one linear map a level, which is learnt."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from vector_quantize_pytorch import ResidualSimVQ

from distill.model.quantizer import Quantizer, QuantizerSizes, look_up
from distill.model.quantizers.residual_vq import ResidualQuantizer
from distill.plugins import Option


class ResidualSimVq(Quantizer):
    """Residual SimVQ (arXiv:2411.02038), by vector_quantize_pytorch: all codes of a level move
    together, by gradient, so that none is left behind.

    The fixed codes are those of k-means on the first vectors, and the maps begin as they are: from
    random ones, a run of some minutes would be spent on finding the vectors at all.
    """

    def __init__(self, sizes: QuantizerSizes, *, codebook_weight: float = 1.0) -> None:
        super().__init__(sizes)
        self.possible_size(sizes.codebook_size, {"codebook_weight": codebook_weight})
        self.codebook_weight = codebook_weight
        self.sim_vq = ResidualSimVQ(
            dim=sizes.dim,
            codebook_size=sizes.codebook_size,
            num_quantizers=sizes.num_quantizers,
            rotation_trick=False,
        )
        self.register_buffer("was_filled", torch.zeros((), dtype=torch.bool))
        self.was_filled: Tensor

    @classmethod
    def possible_size(cls, codebook_size: int, options: Mapping[str, Option]) -> int:
        """Any number."""
        weight = float(options["codebook_weight"])
        if not 0 <= weight <= 100:
            raise ValueError(f"codebook_weight={weight:g}: must be from 0 to 100")
        return codebook_size

    @property
    def codebooks(self) -> Tensor:
        """(L, K, D)."""
        books: Tensor = self.sim_vq.codebooks
        return books

    @property
    def initialised(self) -> bool:
        """Whether the fixed codes have been filled."""
        return bool(self.was_filled.item())

    @torch.no_grad()
    def initialise(self, latents: Tensor) -> None:
        """Fill the fixed codes by k-means on (1, N, D)."""
        first = ResidualQuantizer(self.sizes).to(latents.device)
        first.initialise(latents)
        for layer, book in zip(self.sim_vq.layers, first.codebooks, strict=True):
            layer.frozen_codebook.copy_(book)
            nn.init.eye_(layer.code_transform.weight)
        self.was_filled.fill_(True)

    def penalty(self, latents: Tensor, indices: Tensor) -> Tensor:
        """Mean squared distance of the vectors to their codes, from which the maps learn."""
        residual, terms = latents.detach(), []
        for book, codes in zip(self.codebooks, indices.unbind(-1), strict=True):
            chosen = look_up(book, codes)
            terms.append((residual - chosen).square().mean())
            residual = residual - chosen.detach()
        return self.codebook_weight * torch.stack(terms).sum()
