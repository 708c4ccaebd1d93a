"""latent vectors (B, N, D) → codes (B, N, L) and their sum (B, N, D)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn
from vector_quantize_pytorch import ResidualVQ


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


class ResidualQuantizer(nn.Module):
    """Residual vector quantisation (arXiv:2107.03312, algorithm 1) with k-means init, EMA and
    dead-code reset.

    vector_quantize_pytorch chooses and updates the codes, from a detached input. The gradients and
    the commitment loss are computed here: the library's own would scale the encoder's gradient by
    the number of levels or, near zero residuals, by thousands, and its commitment loss is 0 in eval
    mode.
    """

    def __init__(
        self,
        *,
        dim: int,
        codebook_size: int,
        num_quantizers: int,
        decay: float,
        threshold_ema_dead_code: float,
        kmeans_iters: int,
        sync_codebook: bool,
    ) -> None:
        super().__init__()
        self.codebook_size = codebook_size
        self.num_quantizers = num_quantizers
        self.sync_codebook = sync_codebook
        self.rvq = ResidualVQ(
            dim=dim,
            codebook_size=codebook_size,
            num_quantizers=num_quantizers,
            decay=decay,
            threshold_ema_dead_code=threshold_ema_dead_code,
            kmeans_init=True,
            kmeans_iters=kmeans_iters,
            rotation_trick=False,
            commitment_weight=0.0,
            sync_codebook=sync_codebook,
        )

    @property
    def initialised(self) -> bool:
        """Whether the codebooks of all levels have been filled by k-means."""
        return all(bool(layer._codebook.initted.item()) for layer in self.rvq.layers)

    def forward(self, latents: Tensor, sounding: Tensor | None = None) -> Quantized:
        """Quantise vectors (B, N, D) float32; raises NonFiniteError for NaN or infinity, with the
        codebooks unchanged.

        In training, the codebooks learn only from the vectors where `sounding` (B, N) is true, so
        that no codes are spent on padding; without `sounding`, from all vectors.
        """
        # in float32, because bf16 is too coarse to find the nearest code
        with torch.autocast(latents.device.type, enabled=False):
            latents = latents.float()
            require_finite(
                latents,
                "the encoder's output holds NaN or infinity",
                on_all_ranks=self.sync_codebook and self.training,
            )
            fixed = latents.detach()
            learned = fixed if sounding is None else fixed[sounding][None]
            if not self.initialised:
                self._initialise(learned)
            # a copy, because a training step changes the codes: the vectors of the chosen codes are
            # those from before the step
            codebooks = self.rvq.codebooks
            require_finite(  # now, because the next moving average would hide it
                codebooks,
                "a codebook holds NaN or infinity",
                on_all_ranks=self.sync_codebook and self.training,
            )
            if not self.training:
                indices = _nearest(codebooks, fixed)
            elif sounding is None:
                indices = self.rvq(fixed)[1]
            else:
                indices = fixed.new_empty((*fixed.shape[:2], len(codebooks)), dtype=torch.int64)
                indices[~sounding] = _nearest(codebooks, fixed[~sounding][None])[0]
                if learned.numel():
                    indices[sounding] = self.rvq(learned)[1][0]
            partial_sums = _partial_sums(codebooks, indices)
            commitment = (latents - partial_sums).square().mean(dim=(1, 2, 3)).sum()
            # the bracket is exactly 0, but its gradient is exactly 1
            vectors = partial_sums[-1] + (latents - latents.detach())
        return Quantized(vectors, indices, commitment)

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
        return _partial_sums(self.rvq.codebooks[: indices.shape[-1]], indices)[-1]

    def _initialise(self, latents: Tensor) -> None:
        """Fill the codebooks by k-means on (B, N, D), level by level. In eval mode, the library
        does this without the other changes of a training step.
        """
        if not self.training:
            raise RuntimeError("codebooks are not initialised: train at least one step first")
        self.rvq.eval()
        self.rvq(latents)
        self.rvq.train()


def _nearest(codebooks: Tensor, latents: Tensor) -> Tensor:
    """Codebooks (L, K, D) and vectors (B, N, D) → the nearest codes (B, N, L), level by level.

    In double precision: in single precision, rounding depends on the number of vectors, so a sound
    coded in chunks could get other codes than the whole.
    """
    precise = torch.float32 if latents.device.type == "mps" else torch.float64
    residual, indices = latents.to(precise), []
    for book in codebooks.to(precise):
        # half of the squared distance, but for the vector's own square, which all codes share
        distance = book.square().sum(dim=-1) / 2 - residual @ book.T
        indices.append(distance.argmin(dim=-1))
        residual = residual - book[indices[-1]]
    return torch.stack(indices, dim=-1)


def _partial_sums(codebooks: Tensor, indices: Tensor) -> Tensor:
    """Codebooks (L, K, D) and codes (B, N, L) → sums of the first 1 … L codes (L, B, N, D)."""
    chosen = [book[code] for book, code in zip(codebooks, indices.unbind(-1), strict=True)]
    return torch.stack(chosen).cumsum(dim=0)
