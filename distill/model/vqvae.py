"""log-mel (B, 1, M, F) → codes (B, N, L) → log-mel (B, 1, M, F): the whole network."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from distill.model.decoder import Decoder
from distill.model.encoder import Encoder
from distill.model.layout import NO_CODE, ROWS_PER_LOW_ROW, CodeLayout, low_rows
from distill.model.quantizer import CodeRangeError, Quantized, ResidualQuantizer


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

    @property
    def sizes(self) -> tuple[int, ...]:
        """Codes in the codebook of each level, the low levels last."""
        return self.layout(self.stride).sizes

    def layout(self, n_mels: int) -> CodeLayout:
        """Which codes a column of a mel with `n_mels` bins has."""
        return CodeLayout(
            -(-n_mels // self.stride),
            self.num_quantizers,
            self.codebook_size,
            self.low_levels,
            self.low_codebook_size,
        )


@dataclass(frozen=True)
class Reconstruction:
    """The results of one forward pass."""

    mel: Tensor
    """(B, 1, M, F), the same shape as the input."""
    indices: Tensor
    """(B, N, L) int64 with N = H · W, the low levels last; NO_CODE where a row has no such level.
    """
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
        self.low_quantizer: ResidualQuantizer | None = None
        """For what the first one leaves of the low rows."""
        if config.low_levels:
            share = config.codebook_size / (ROWS_PER_LOW_ROW * config.low_codebook_size)
            self.low_quantizer = ResidualQuantizer(
                dim=config.codebook_dim,
                codebook_size=config.low_codebook_size,
                num_quantizers=config.low_levels,
                decay=config.decay,
                # the same share of a code's mean use
                threshold_ema_dead_code=share * config.threshold_ema_dead_code,
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
        latent = self.latent(mel)
        if sounding is not None:
            columns = sounding_columns(sounding, stride=self.stride)[:, None]
            sounding = columns.expand(-1, latent.shape[2], -1).flatten(1)
        quantized = self._quantize(latent, sounding)
        grid = quantized.vectors.transpose(1, 2).reshape(latent.shape)
        height, width = mel.shape[-2:]
        return Reconstruction(
            self.decoder(grid)[..., :height, :width], quantized.indices, quantized.commitment
        )

    def latent(self, mel: Tensor) -> Tensor:
        """Mel (B, 1, M, F) → the encoder's output (B, D, H, W), not quantised."""
        height, width = mel.shape[-2:]
        grown = (0, -width % self.stride, 0, -height % self.stride)
        padded = nn.functional.pad(mel, grown, mode="replicate")
        latent: Tensor = self.encoder(padded.contiguous(memory_format=torch.channels_last))
        return latent

    def encode(self, mel: Tensor) -> Tensor:
        """Mel (B, 1, M, F) → codes (B, H, W, L) int64, NO_CODE where a row has no such level."""
        latent = self.latent(mel)
        indices: Tensor = self._quantize(latent).indices
        return indices.reshape(len(mel), *latent.shape[2:], -1)

    def decode(self, codes: Tensor, *, height: int, width: int) -> Tensor:
        """Codes (B, H, W, l ≤ L) int64 → mel (B, 1, height, width); raises CodeRangeError for an
        impossible index.
        """
        mel: Tensor = self.decoder(self.vectors(codes).permute(0, 3, 1, 2))
        return mel[..., :height, :width]

    def vectors(self, codes: Tensor) -> Tensor:
        """Codes (B, H, W, l ≤ L) int64 → the sums of their vectors (B, H, W, D); raises
        CodeRangeError for an impossible index.
        """
        shape, levels = codes.shape[1:3], self.config.num_quantizers
        vectors: Tensor = self.quantizer.from_indices(codes[..., :levels].flatten(1, 2))
        vectors = vectors.unflatten(1, shape)
        if codes.shape[-1] <= levels:
            return vectors
        extra, low = codes[..., levels:], low_rows(codes.shape[1])
        if self.low_quantizer is None or (extra[:, low:] != NO_CODE).any():
            raise CodeRangeError("a row has codes of levels that it does not have")
        more = self.low_quantizer.from_indices(extra[:, :low].flatten(1, 2))
        more = more.unflatten(1, (low, shape[1]))
        return torch.cat([vectors[:, :low] + more, vectors[:, low:]], dim=1)

    @property
    def codebooks(self) -> list[Tensor]:
        """The codebook of each level (K, D), the low levels last."""
        quantizers = (self.quantizer, self.low_quantizer)
        return [book.detach() for each in quantizers if each for book in each.rvq.codebooks]

    @property
    def initialised(self) -> bool:
        """Whether the codebooks of all levels have been filled."""
        low = self.low_quantizer
        return self.quantizer.initialised and (low is None or low.initialised)

    def grid_shape(self, height: int, width: int) -> tuple[int, int]:
        """The latent grid (H, W) of a mel with `height` bins and `width` frames."""
        return -(-height // self.stride), -(-width // self.stride)

    def _quantize(self, latent: Tensor, sounding: Tensor | None = None) -> Quantized:
        """Latent (B, D, H, W), and which of the N = H · W positions sound (B, N) → the same
        positions quantised.
        """
        vectors = latent.flatten(2).transpose(1, 2)
        quantized: Quantized = self.quantizer(vectors, sounding)
        if self.low_quantizer is None:
            return quantized
        count = low_rows(latent.shape[2]) * latent.shape[3]  # the low rows come first
        first, rest = quantized.vectors[:, :count], quantized.vectors[:, count:]
        missing = vectors[:, :count].float() - first.detach()
        low = self.low_quantizer(missing, None if sounding is None else sounding[:, :count])
        more = nn.functional.pad(low.indices, (0, 0, 0, rest.shape[1]), value=NO_CODE)
        return Quantized(
            # detached, because the first part carries the whole gradient
            torch.cat([first + low.vectors.detach(), rest], dim=1),
            torch.cat([quantized.indices, more], dim=-1),
            quantized.commitment + low.commitment * count / vectors.shape[1],
        )


def sounding_columns(sounding: Tensor, *, stride: int) -> Tensor:
    """Sounding frames (B, F), `stride` of them to a column → (B, W) bool: columns that hold one."""
    whole = nn.functional.pad(sounding, (0, -sounding.shape[1] % stride))
    columns: Tensor = whole.unflatten(1, (-1, stride)).any(dim=-1)
    return columns
