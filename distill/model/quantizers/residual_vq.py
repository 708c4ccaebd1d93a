"""latent vectors → codes that are moving averages of what they are used for: the default kind."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor
from vector_quantize_pytorch import ResidualVQ

from distill.model.quantizer import Quantizer, QuantizerSizes


class ResidualQuantizer(Quantizer):
    """Residual vector quantisation (arXiv:2107.03312, algorithm 1) with k-means init, EMA and
    dead-code reset, by vector_quantize_pytorch.
    """

    learns_by_use: ClassVar[bool] = True

    def __init__(self, sizes: QuantizerSizes) -> None:
        super().__init__(sizes)
        self.rvq = ResidualVQ(
            dim=sizes.dim,
            codebook_size=sizes.codebook_size,
            num_quantizers=sizes.num_quantizers,
            decay=sizes.decay,
            threshold_ema_dead_code=sizes.threshold_ema_dead_code,
            kmeans_init=True,
            kmeans_iters=sizes.kmeans_iters,
            rotation_trick=False,
            commitment_weight=0.0,
            sync_codebook=sizes.sync_codebook,
        )

    @property
    def codebooks(self) -> Tensor:
        """(L, K, D)."""
        books: Tensor = self.rvq.codebooks
        return books

    @property
    def initialised(self) -> bool:
        """Whether the codebooks of all levels have been filled by k-means."""
        return all(bool(layer._codebook.initted.item()) for layer in self.rvq.layers)

    def initialise(self, latents: Tensor) -> None:
        """Fill the codebooks by k-means on (1, N, D), level by level. In eval mode, the library
        does this without the other changes of a training step.
        """
        self.rvq.eval()
        self.rvq(latents)
        self.rvq.train()

    def learn(self, latents: Tensor) -> Tensor:
        """The library chooses and updates the codes, from a detached input."""
        indices: Tensor = self.rvq(latents)[1]
        return indices
