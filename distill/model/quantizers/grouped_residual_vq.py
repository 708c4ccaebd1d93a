"""latent vectors, cut into groups of dimensions → residual vector quantisation of each group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor
from vector_quantize_pytorch import GroupedResidualVQ

from distill.model.quantizer import Quantizer, QuantizerSizes
from distill.plugins import Option


class GroupedQuantizer(Quantizer):
    """Group-residual vector quantisation (HiFi-Codec, arXiv:2305.02765), by
    vector_quantize_pytorch.

    The codes of a level's groups are told as one number: with 2 groups of 16 codes, a level has 256
    codes, each a pair, and its health is that of the pairs.
    """

    learns_by_use: ClassVar[bool] = True

    def __init__(self, sizes: QuantizerSizes, *, groups: int = 2) -> None:
        super().__init__(sizes)
        if self.possible_size(sizes.codebook_size, {"groups": groups}) != sizes.codebook_size:
            raise ValueError(f"a level of {groups} groups cannot have {sizes.codebook_size} codes")
        if sizes.dim % groups:
            raise ValueError(f"{groups} groups cannot share {sizes.dim} dimensions")
        self.groups, self.group_codes = groups, _root(sizes.codebook_size, groups)
        self.rvq = GroupedResidualVQ(
            dim=sizes.dim,
            groups=groups,
            codebook_size=self.group_codes,
            num_quantizers=sizes.num_quantizers,
            decay=sizes.decay,
            # the same share of a code's mean use
            threshold_ema_dead_code=sizes.threshold_ema_dead_code
            * (sizes.codebook_size / self.group_codes),
            kmeans_init=True,
            kmeans_iters=sizes.kmeans_iters,
            rotation_trick=False,
            commitment_weight=0.0,
            sync_codebook=sizes.sync_codebook,
        )

    @classmethod
    def possible_size(cls, codebook_size: int, options: Mapping[str, Option]) -> int:
        """A number of codes for each group, to the power of the number of groups."""
        groups = int(options["groups"])
        if not 2 <= groups <= 8 or codebook_size < 2**groups:
            raise ValueError(f"groups={groups}: must be from 2 to 8, with 2 codes or more in each")
        return int(_root(codebook_size, groups) ** groups)

    @property
    def codebooks(self) -> Tensor:
        """(L, K, D): every combination of the groups' vectors."""
        books = self.rvq.codebooks  # (groups, L, k, D / groups)
        codes = torch.arange(self.codebook_size, device=books.device)
        parts = []
        for group in range(self.groups):
            own = codes // self.group_codes ** (self.groups - 1 - group) % self.group_codes
            parts.append(books[group][:, own])
        return torch.cat(parts, dim=-1)

    @property
    def initialised(self) -> bool:
        """Whether the codebooks of all groups and levels have been filled by k-means."""
        layers = (layer for rvq in self.rvq.rvqs for layer in rvq.layers)
        return all(bool(layer._codebook.initted.item()) for layer in layers)

    def initialise(self, latents: Tensor) -> None:
        """Fill the codebooks by k-means on (1, N, D)."""
        self.rvq.eval()
        self.rvq(latents)
        self.rvq.train()

    def learn(self, latents: Tensor) -> Tensor:
        """The library chooses and updates the codes of each group."""
        indices: Tensor = self.rvq(latents)[1]  # (groups, B, N, L)
        whole = indices[0]
        for own in indices[1:]:
            whole = whole * self.group_codes + own
        return whole


def _root(number: int, degree: int) -> int:
    """The largest whole number whose power is not more than `number`."""
    return int(number ** (1 / degree) + 1e-9)
