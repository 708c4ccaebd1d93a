"""A quantizer whose codes learn by gradient, as those of the first VQ-VAE did."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from distill.model.quantizer import Quantizer, QuantizerSizes, look_up
from distill.plugins import Option


class GradientVq(Quantizer):
    """Residual vector quantisation with codebooks that are weights (arXiv:1711.00937, eq. 3)."""

    def __init__(self, sizes: QuantizerSizes, *, codebook_weight: float = 1.0) -> None:
        super().__init__(sizes)
        self.codebook_weight = codebook_weight
        self.books = nn.Parameter(torch.zeros(sizes.num_quantizers, sizes.codebook_size, sizes.dim))

    @classmethod
    def possible_size(cls, codebook_size: int, options: Mapping[str, Option]) -> int:
        """Any number of codes; the option is checked here, before anything is trained."""
        if not 0 < float(options["codebook_weight"]) <= 100:
            raise ValueError("codebook_weight must be above 0 and at most 100")
        return codebook_size

    @property
    def codebooks(self) -> Tensor:
        """(L, K, D)."""
        return self.books.clone()

    @property
    def initialised(self) -> bool:
        """Codes that are all zero have not been filled yet."""
        return bool(self.books.any())

    @torch.no_grad()
    def initialise(self, latents: Tensor) -> None:
        """Each level begins with some of the vectors (1, N, D) that the levels before it leave."""
        left = latents[0]
        for book in self.books:
            book.copy_(left[torch.randint(len(left), (len(book),))])
            left = left - book[torch.cdist(left, book).argmin(dim=-1)]

    def penalty(self, latents: Tensor, indices: Tensor) -> Tensor:
        """Draws each code to what it is used for."""
        left, total = latents.detach(), latents.new_zeros(())
        for book, codes in zip(self.books, indices.unbind(-1), strict=True):
            chosen = look_up(book, codes)
            total = total + (left - chosen).square().mean()
            left = left - chosen.detach()
        return self.codebook_weight * total
