"""latent vectors → few dimensions and back: what kinds with a fixed grid of codes share."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from distill.model.quantizer import Quantizer, QuantizerSizes, precise


class ProjectedQuantizer(Quantizer):
    """Codes lie on a grid in a few dimensions, the same from the beginning. What is learnt is the
    linear map into these dimensions and the one back, which begin with the principal components of
    the first vectors.
    """

    def __init__(self, sizes: QuantizerSizes, few: int) -> None:
        super().__init__(sizes)
        self.project_in = nn.Linear(sizes.dim, few)
        self.project_out = nn.Linear(few, sizes.dim)
        self.register_buffer("was_filled", torch.zeros((), dtype=torch.bool))
        self.was_filled: Tensor

    @abstractmethod
    def grid(self) -> Tensor:
        """(L, K, d) float32: the codes of each level."""

    def bound(self, few: Tensor) -> Tensor:
        """Vectors (..., d), as projected → within the grid's reach."""
        return few

    @property
    def spread(self) -> float:
        """Standard deviation that each dimension begins with."""
        return 1.0

    @property
    def initialised(self) -> bool:
        """Whether the maps have seen vectors."""
        return bool(self.was_filled.item())

    @torch.no_grad()
    def initialise(self, latents: Tensor) -> None:
        """The principal components of vectors (1, N, D)."""
        vectors = precise(latents[0])
        mean = vectors.mean(dim=0)
        covariance = (vectors - mean).T @ (vectors - mean) / max(1, len(vectors))
        if torch.distributed.is_initialized() and self.sizes.sync_codebook:
            for each in (mean, covariance):  # nearly those of all; equal on all ranks
                torch.distributed.all_reduce(each)
                each /= torch.distributed.get_world_size()
        powers, components = torch.linalg.eigh(covariance.cpu())
        few = self.project_in.out_features
        chosen = components[:, -few:].flip(1).to(latents.device)
        deviation = powers[-few:].flip(0).clamp(min=1e-8).sqrt().to(latents.device)
        into = (chosen * (self.spread / deviation)).T
        self.project_in.weight.copy_(into)
        self.project_in.bias.copy_(-into @ mean)
        self.project_out.weight.copy_(chosen * (deviation / self.spread))
        self.project_out.bias.copy_(mean)
        self.was_filled.fill_(True)

    @property
    def codebooks(self) -> Tensor:
        """(L, K, D): the grid, mapped back; what the map adds to all is in the first level."""
        books = F.linear(self.grid(), self.project_out.weight)
        return torch.cat([books[:1] + self.project_out.bias, books[1:]])

    def few(self, latents: Tensor) -> Tensor:
        """Vectors (B, N, D) → (B, N, d) in the precision of the vectors, within reach."""
        weight, bias = (each.to(latents.dtype) for each in self.project_in.parameters())
        return self.bound(F.linear(latents, weight, bias))

    def approached(self, latents: Tensor) -> Tensor:
        """The vectors, with all that the few dimensions cannot hold left out."""
        few = self.few(latents)
        # the map back learns from the codes alone, not from what they stand for
        weight, bias = (each.detach().to(few.dtype) for each in self.project_out.parameters())
        return F.linear(few, weight, bias)
