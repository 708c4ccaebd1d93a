"""latent vectors (B, N, D) → codes (B, N, L) and their sum (B, N, D): what a quantizer is.

The kinds are in `quantizers/`; an installed package can offer others (`distill.plugins`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, distributed, nn
from torch.nn import functional

from distill.plugins import Option

LARGEST_CODEBOOK = 65536


class NonFiniteError(ValueError):
    """Values hold NaN or infinity. They must not reach the codebooks, which would be lost."""


def require_finite(values: Tensor, reason: str, *, on_all_ranks: bool) -> None:
    """Raise NonFiniteError for NaN or infinity. With `on_all_ranks`, raise on all ranks if the
    values of one are not finite, because the others would wait for that rank for ever.
    """
    finite = torch.isfinite(values).all()
    if on_all_ranks:
        finite = finite.to(torch.int32)
        distributed.all_reduce(finite, op=distributed.ReduceOp.MIN)
    if not finite:
        raise NonFiniteError(reason)


class CodeRangeError(ValueError):
    """A code index is outside its codebook; vector_quantize_pytorch would accept some of these."""


@dataclass(frozen=True)
class Quantized:
    """The quantizer's results for latent vectors."""

    vectors: Tensor
    """(B, N, D): sum of the chosen codes; gradients pass straight through to the input
    (arXiv:1711.00937, eq. 3).
    """
    indices: Tensor
    """(B, N, L) int64, each in [0, K)."""
    commitment: Tensor
    """Scalar: mean squared distance of each level's input to its code, summed over levels,
    unweighted.
    """
    penalty: Tensor
    """Scalar: what the quantizer itself adds to the loss; 0 for most."""
    approached: Tensor
    """(B, N, D): the vectors that the codes stand for; without gradient."""


@dataclass(frozen=True)
class QuantizerSizes:
    """The settings that every kind of quantizer gets; some do not apply to some kinds."""

    dim: int
    """D of the latent vectors."""
    codebook_size: int
    """K of each level."""
    num_quantizers: int
    """L."""
    decay: float = 0.9
    """Of the codes' moving average."""
    threshold_ema_dead_code: float = 2.0
    """A code that is used less often in a step is replaced; 0: never."""
    kmeans_iters: int = 10
    sync_codebook: bool = False
    """Whether several ranks train together, and must keep equal codes."""


class Quantizer(nn.Module, ABC):
    """The base class of all kinds. Each of the L levels has a codebook of K vectors, and what is
    decoded is the sum of one vector of each level: this is all that code files, codebook health,
    the search for codes and the prior need to know.

    A kind defines `codebooks`. It may also define how its codes are chosen (`choose`), how they
    learn other than by gradient (`learn`, `initialise`), what the codes stand for (`approached`),
    and what is added to the loss (`penalty`). Its options are keyword-only arguments with defaults.
    The gradients, the commitment loss and the checks are computed here. The libraries' own would
    scale the encoder's gradient by the number of levels or, near zero residuals, by thousands, and
    their commitment loss is 0 in eval mode.
    """

    learns_by_use: ClassVar[bool] = False
    """Whether codes are moving averages of what they are used for: only then do `decay`,
    `threshold_ema_dead_code` and `kmeans_iters` have a meaning.
    """

    def __init__(self, sizes: QuantizerSizes) -> None:
        super().__init__()
        if not 2 <= sizes.codebook_size <= LARGEST_CODEBOOK:
            raise ValueError(f"codebooks must have from 2 to {LARGEST_CODEBOOK:,} codes")
        self.sizes = sizes
        self.codebook_size = sizes.codebook_size
        self.num_quantizers = sizes.num_quantizers

    # To be defined by each kind

    @property
    @abstractmethod
    def codebooks(self) -> Tensor:
        """(L, K, D) float32, new at each call. With a gradient if the codes learn by it."""

    @classmethod
    def possible_size(cls, codebook_size: int, options: Mapping[str, Option]) -> int:
        """The largest number of codes that a level can have with these options, all of which are
        given, but not more than `codebook_size`. Raises ValueError, with what is allowed, for
        options that are impossible.
        """
        return codebook_size

    @property
    def initialised(self) -> bool:
        """Whether the codebooks can be used: some are filled from the first vectors."""
        return True

    def initialise(self, latents: Tensor) -> None:
        """Fill the codebooks from vectors (1, N, D); called once, before the first step."""

    def approached(self, latents: Tensor) -> Tensor:
        """Latents (B, N, D), float32 or float64 → the vectors that the codes are to be near to."""
        return latents

    def choose(self, latents: Tensor) -> Tensor:
        """Vectors (B, N, D) → codes (B, N, L); changes nothing."""
        return nearest(self.codebooks.detach(), self.approached(latents))

    def learn(self, latents: Tensor) -> Tensor:
        """The same in a training step, from which the codebooks may learn."""
        return self.choose(latents)

    def penalty(self, latents: Tensor, indices: Tensor) -> Tensor:
        """Vectors (1, N, D) of a training step, with gradient, and their codes (1, N, L) → scalar,
        added to the loss.
        """
        return latents.new_zeros(())

    # The same for all kinds

    def forward(self, latents: Tensor, sounding: Tensor | None = None) -> Quantized:
        """Quantise vectors (B, N, D) float32; raises NonFiniteError for NaN or infinity, with the
        codebooks unchanged.

        In training, the codebooks learn only from the vectors where `sounding` (B, N) is true, so
        that no codes are spent on padding; without `sounding`, from all vectors.
        """
        on_all_ranks = self.sizes.sync_codebook and self.training
        # in float32, because bf16 is too coarse to find the nearest code
        with torch.autocast(latents.device.type, enabled=False):
            latents = latents.float()
            require_finite(
                latents, "the encoder's output holds NaN or infinity", on_all_ranks=on_all_ranks
            )
            fixed = latents.detach()
            learned = fixed if sounding is None else fixed[sounding][None]
            if not self.initialised:
                if not self.training:
                    raise RuntimeError("codebooks are not initialised: train one step first")
                self.initialise(learned)
            # a copy, because a training step changes the codes: the vectors of the chosen codes are
            # those from before the step
            codebooks = self.codebooks
            require_finite(  # now, because the next moving average would hide it
                codebooks, "a codebook holds NaN or infinity", on_all_ranks=on_all_ranks
            )
            indices = self._indices(fixed, sounding, learned)
            approached = self.approached(latents)
            partial_sums = _partial_sums(codebooks, indices)
            distances = approached - partial_sums.detach()
            commitment = distances.square().mean(dim=(1, 2, 3)).sum()
            penalty = latents.new_zeros(())
            if self.training and learned.numel():
                heard = slice(None) if sounding is None else sounding
                own, codes = latents[heard], indices[heard]
                penalty = self.penalty(own.flatten(0, -2)[None], codes.flatten(0, -2)[None])
            # the bracket is exactly 0, but its gradient is exactly 1
            vectors = partial_sums[-1] + (approached - approached.detach())
        return Quantized(vectors, indices, commitment, penalty, approached.detach())

    def from_indices(self, indices: Tensor) -> Tensor:
        """Codes (B, N, l ≤ L) int64 → vectors (B, N, D); raises CodeRangeError for an index outside
        [0, K).
        """
        if not 1 <= indices.shape[-1] <= self.num_quantizers:
            raise CodeRangeError(
                f"{indices.shape[-1]} levels given, the model has {self.num_quantizers}"
            )
        if indices.numel() and (indices.min() < 0 or indices.max() >= self.codebook_size):
            raise CodeRangeError(
                f"indices are from {int(indices.min())} to {int(indices.max())}, "
                f"but must be from 0 to {self.codebook_size - 1}"
            )
        return _partial_sums(self.codebooks[: indices.shape[-1]], indices)[-1]

    def _indices(self, fixed: Tensor, sounding: Tensor | None, learned: Tensor) -> Tensor:
        if not self.training:
            return self._checked("choose", fixed)
        if sounding is None:
            return self._checked("learn", fixed)
        indices = fixed.new_empty((*fixed.shape[:2], self.num_quantizers), dtype=torch.int64)
        indices[~sounding] = self._checked("choose", fixed[~sounding][None])[0]
        if learned.numel():
            indices[sounding] = self._checked("learn", learned)[0]
        return indices

    def _checked(self, how: str, vectors: Tensor) -> Tensor:
        """The codes of vectors (B, N, D) by `choose` or `learn`; raises TypeError for others."""
        codes = getattr(self, how)(vectors)
        shape = (*vectors.shape[:2], self.num_quantizers)
        if not isinstance(codes, Tensor) or codes.dtype != torch.int64 or codes.shape != shape:
            got = (
                f"{codes.dtype} {tuple(codes.shape)}" if isinstance(codes, Tensor) else type(codes)
            )
            raise TypeError(
                f"{type(self).__name__}.{how} must return int64 codes {shape}, not {got}"
            )
        return codes


def precise(values: Tensor) -> Tensor:
    """In double precision, where there is one: in single precision, rounding depends on the number
    of vectors, so a sound coded in chunks could get other codes than the whole.
    """
    return values.to(torch.float32 if values.device.type == "mps" else torch.float64)


def nearest(codebooks: Tensor, vectors: Tensor) -> Tensor:
    """Codebooks (L, K, D) and vectors (B, N, D) → the nearest codes (B, N, L), level by level."""
    residual, indices = precise(vectors), []
    for book in precise(codebooks):
        # half of the squared distance, but for the vector's own square, which all codes share
        distance = book.square().sum(dim=-1) / 2 - residual @ book.T
        indices.append(distance.argmin(dim=-1))
        residual = residual - book[indices[-1]]
    return torch.stack(indices, dim=-1)


def _partial_sums(codebooks: Tensor, indices: Tensor) -> Tensor:
    """Codebooks (L, K, D) and codes (B, N, L) → sums of the first 1 … L codes (L, B, N, D)."""
    chosen = [look_up(book, code) for book, code in zip(codebooks, indices.unbind(-1), strict=True)]
    return torch.stack(chosen).cumsum(dim=0)


def look_up(book: Tensor, codes: Tensor) -> Tensor:
    """A codebook (K, D) and codes (...) → their vectors (..., D). The gradient of `book[codes]`
    adds up in an order that differs from run to run, so that none could be repeated.
    """
    return functional.embedding(codes, book)
