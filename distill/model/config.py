"""the settings of a codec's network.

Imports no torch.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from distill.model.layout import CodeLayout
from distill.plugins import Option


@dataclass(frozen=True)
class VQVAEConfig:
    """The settings of a ConvVQVAE; stored in every bundle as `vqvae_config`."""

    codebook_dim: int
    codebook_size: int
    num_quantizers: int
    decay: float
    commitment_weight: float
    threshold_ema_dead_code: float
    kmeans_iters: int
    dropout: float
    channels: int
    stride: int
    """Mel bins in a latent row, and mel frames in a latent column."""
    residual_units: int
    low_levels: int = 0
    """Levels that the lowest quarter of the latent rows have beyond `num_quantizers`."""
    low_codebook_size: int = 0
    """Codes in each of their codebooks; 0 if there are none."""
    quantizer: str = "residual_vq"
    """The kind of quantizer of the levels of all rows, by name. The low levels are always of the
    default kind: they are for what others leave, and nothing learns from them by gradient.
    """
    quantizer_options: dict[str, Option] = field(default_factory=dict)
    """The options of that kind."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """Codes in the codebook of each level, the low levels last."""
        return self.layout(self.stride).sizes

    @property
    def detail_levels(self) -> int:
        """How many of the low levels, the last ones, are for what the decoded mel still lacks; the
        others are for the latents. As many of either bring more, by the mel and by the ear, than
        all of one kind.
        """
        return self.low_levels // 2

    @property
    def vector_dim(self) -> int:
        """D of what a position's codes stand for together: a latent, and after it, if there are
        levels for it, the details of its patch of the mel.
        """
        return self.codebook_dim + self.stride**2 * bool(self.detail_levels)

    def layout(self, n_mels: int) -> CodeLayout:
        """Which codes a column of a mel with `n_mels` bins has."""
        return CodeLayout(
            -(-n_mels // self.stride),
            self.num_quantizers,
            self.codebook_size,
            self.low_levels,
            self.low_codebook_size,
        )
