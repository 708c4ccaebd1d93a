"""log-mel (B, 1, M, F) → codes (B, N, L) → log-mel (B, 1, M, F): the whole network."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from distill.model.decoder import Decoder
from distill.model.encoder import Encoder
from distill.model.quantizer import ResidualQuantizer


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


@dataclass(frozen=True)
class Reconstruction:
    """The results of one forward pass."""

    mel: Tensor
    """(B, 1, M, F), the same shape as the input."""
    indices: Tensor
    """(B, N, L) int64 with N = H · W."""
    commitment: Tensor
    """Scalar, unweighted."""


class ConvVQVAE(nn.Module):
    """Convolutional autoencoder around a residual vector quantiser (VQ-VAE, arXiv:1711.00937)."""

    def __init__(self, config: VQVAEConfig, *, sync_codebook: bool = False) -> None:
        super().__init__()
        self.config = config
        self.stride = config.stride
        self.encoder_context = config.residual_units
        """Number of neighbouring latent columns on either side that influence a column's codes: the
        convolution of each residual unit reaches one column further."""
        self.decoder_context = config.residual_units + (config.stride > 1)
        """The same for a column's mel, in decoding, where patches overlap."""
        self.encoder = Encoder(
            channels=config.channels,
            stride=config.stride,
            residual_units=config.residual_units,
            latent_dim=config.codebook_dim,
            dropout=config.dropout,
        )
        self.quantizer = ResidualQuantizer(
            dim=config.codebook_dim,
            codebook_size=config.codebook_size,
            num_quantizers=config.num_quantizers,
            decay=config.decay,
            threshold_ema_dead_code=config.threshold_ema_dead_code,
            kmeans_iters=config.kmeans_iters,
            sync_codebook=sync_codebook,
        )
        self.decoder = Decoder(
            channels=config.channels,
            stride=config.stride,
            residual_units=config.residual_units,
            latent_dim=config.codebook_dim,
            dropout=config.dropout,
        )
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, mel: Tensor, sounding: Tensor | None = None) -> Reconstruction:
        """Mel (B, 1, M, F) float32 with any M, F ≥ 1 → mel of the same shape, indices (B, N, L),
        commitment loss.

        In training, the codebooks learn only from columns with a frame that is true in `sounding`
        (B, F); without `sounding`, from all columns. Raises NonFiniteError, with the codebooks
        unchanged, if the input or the encoder's output is not finite.
        """
        latent = self._latent(mel)
        if sounding is not None:
            columns = sounding_columns(sounding, stride=self.stride)[:, None]
            sounding = columns.expand(-1, latent.shape[2], -1).flatten(1)
        quantized = self.quantizer(latent.flatten(2).transpose(1, 2), sounding)
        grid = quantized.vectors.transpose(1, 2).reshape(latent.shape)
        height, width = mel.shape[-2:]
        return Reconstruction(
            self.decoder(grid)[..., :height, :width], quantized.indices, quantized.commitment
        )

    def encode(self, mel: Tensor) -> Tensor:
        """Mel (B, 1, M, F) → codes (B, H, W, L) int64."""
        latent = self._latent(mel)
        indices: Tensor = self.quantizer(latent.flatten(2).transpose(1, 2)).indices
        return indices.reshape(len(mel), *latent.shape[2:], -1)

    def decode(self, codes: Tensor, *, height: int, width: int) -> Tensor:
        """Codes (B, H, W, l ≤ L) int64 → mel (B, 1, height, width); raises CodeRangeError for an
        impossible index.
        """
        grid = self.quantizer.from_indices(codes.flatten(1, 2))
        grid = grid.reshape(*codes.shape[:3], -1)
        mel: Tensor = self.decoder(grid.permute(0, 3, 1, 2))
        return mel[..., :height, :width]

    def grid_shape(self, height: int, width: int) -> tuple[int, int]:
        """The latent grid (H, W) of a mel with `height` bins and `width` frames."""
        return -(-height // self.stride), -(-width // self.stride)

    def _latent(self, mel: Tensor) -> Tensor:
        height, width = mel.shape[-2:]
        grown = (0, -width % self.stride, 0, -height % self.stride)
        padded = nn.functional.pad(mel, grown, mode="replicate")
        latent: Tensor = self.encoder(padded.contiguous(memory_format=torch.channels_last))
        return latent


def sounding_columns(sounding: Tensor, *, stride: int) -> Tensor:
    """Sounding frames (B, F), `stride` of them to a column → (B, W) bool: columns that hold one."""
    whole = nn.functional.pad(sounding, (0, -sounding.shape[1] % stride))
    columns: Tensor = whole.unflatten(1, (-1, stride)).any(dim=-1)
    return columns
