"""log-mel (B, 1, M, F) → codes (B, N, L) → log-mel (B, 1, M, F): the whole network."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from distill.model.config import VQVAEConfig
from distill.model.decoder import Decoder
from distill.model.details import add_patches, patches
from distill.model.encoder import Encoder
from distill.model.held import with_low
from distill.model.layout import NO_CODE, ROWS_PER_LOW_ROW, low_rows
from distill.model.quantizer import CodeRangeError, Quantized, Quantizer, QuantizerSizes
from distill.model.quantizers.residual_vq import ResidualQuantizer
from distill.plugins import QUANTIZER, load

STEADIER = 10
"""The moving average of the codes for details takes this number of times as long as the others'."""


@dataclass(frozen=True)
class Reconstruction:
    """The results of one forward pass."""

    mel: Tensor
    """(B, 1, M, F), the same shape as the input."""
    plain_mel: Tensor
    """The same without what the low levels add, from which encoder and decoder learn. By the other
    one they would learn to leave more to those levels, which have no gradient.
    """
    indices: Tensor
    """(B, N, L) int64 with N = H · W, the low levels last; NO_CODE where a row has no such level.
    """
    commitment: Tensor
    """Scalar, unweighted."""
    penalty: Tensor
    """Scalar: what the quantizer itself adds to the loss; 0 for most kinds."""


class ConvVQVAE(nn.Module):
    """Convolutional autoencoder around a residual vector quantiser (VQ-VAE, arXiv:1711.00937)."""

    def __init__(self, config: VQVAEConfig, *, sync_codebook: bool = False) -> None:
        super().__init__()
        self.config = config
        self.stride = config.stride
        self.decoder_context = config.residual_units + (config.stride > 1)
        """Number of neighbouring latent columns on either side that influence a column's mel, in
        decoding: the convolution of each residual unit reaches one column further, and patches
        overlap."""
        self.encoder_context = config.residual_units
        """The same for a column's codes; for those of details, it is decoded again."""
        if config.detail_levels:
            self.encoder_context += self.decoder_context
        self.encoder = Encoder(
            channels=config.channels,
            stride=config.stride,
            residual_units=config.residual_units,
            latent_dim=config.codebook_dim,
            dropout=config.dropout,
        )
        sizes = QuantizerSizes(
            dim=config.codebook_dim,
            codebook_size=config.codebook_size,
            num_quantizers=config.num_quantizers,
            decay=config.decay,
            threshold_ema_dead_code=config.threshold_ema_dead_code,
            kmeans_iters=config.kmeans_iters,
            sync_codebook=sync_codebook,
        )
        kind = load(QUANTIZER, config.quantizer)
        self.quantizer: Quantizer = kind(sizes, **config.quantizer_options)
        self.low_quantizer: ResidualQuantizer | None = None
        """For what the first one leaves of the low rows."""
        self.detail_quantizer: ResidualQuantizer | None = None
        """For what the decoder leaves of the low rows' patches of the mel."""
        if config.low_levels:
            share = config.codebook_size / (ROWS_PER_LOW_ROW * config.low_codebook_size)
            low = replace(
                sizes,
                codebook_size=config.low_codebook_size,
                num_quantizers=config.low_levels - config.detail_levels,
                # the same share of a code's mean use
                threshold_ema_dead_code=share * config.threshold_ema_dead_code,
            )
            self.low_quantizer = ResidualQuantizer(low)
            if config.detail_levels:
                # no network learns from them, which they would have to follow
                decay = 1 - (1 - config.decay) / STEADIER
                details = replace(
                    low, dim=config.stride**2, num_quantizers=config.detail_levels, decay=decay
                )
                self.detail_quantizer = ResidualQuantizer(details)
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
        whole = self._whole_patches(mel)
        latent: Tensor = self.encoder(whole)
        if sounding is not None:
            columns = sounding_columns(sounding, stride=self.stride)[:, None]
            sounding = columns.expand(-1, latent.shape[2], -1).flatten(1)
        quantized = self._quantize(latent, sounding)
        plain = decoded = self.decoder(quantized.vectors.transpose(1, 2).reshape(latent.shape))
        indices = quantized.indices
        if self.detail_quantizer is not None:
            missing = self.missing(whole, plain.detach())
            count = missing[0, ..., 0].numel()  # the low rows come first
            details = self.detail_quantizer(
                missing.flatten(1, 2), None if sounding is None else sounding[:, :count]
            )
            added = details.vectors.detach().reshape(missing.shape)
            decoded = add_patches(plain.detach(), added, stride=self.stride)
            indices = with_low(indices, details.indices)
        height, width = mel.shape[-2:]
        return Reconstruction(
            decoded[..., :height, :width],
            plain[..., :height, :width],
            indices,
            quantized.commitment,
            quantized.penalty,
        )

    def latent(self, mel: Tensor) -> Tensor:
        """Mel (B, 1, M, F) → the encoder's output (B, D, H, W), not quantised."""
        latent: Tensor = self.encoder(self._whole_patches(mel))
        return latent

    def approached(self, latent: Tensor) -> Tensor:
        """The encoder's output (B, D, H, W) → the part of it that codes are chosen for, with
        gradient; for most kinds of quantizer, all of it.
        """
        vectors: Tensor = self.quantizer.approached(latent.permute(0, 2, 3, 1))
        return vectors.permute(0, 3, 1, 2)

    def missing(self, mel: Tensor, decoded: Tensor) -> Tensor:
        """A mel (B, 1, M, F), and what was decoded of its latents in whole patches, the low ones or
        all → what the low rows lack (B, h, W, stride²), float32.
        """
        rows = low_rows(-(-mel.shape[2] // self.stride))
        parts = (self._whole_patches(mel), decoded)
        whole, found = (patches(part.float(), rows=rows, stride=self.stride) for part in parts)
        return whole - found

    def low_mel(self, latent: Tensor) -> Tensor:
        """A quantised latent grid (B, D, H, W) → the low rows of its mel, without their details."""
        return self.decoder.low(latent, low_rows(latent.shape[2]))

    def encode(self, mel: Tensor) -> Tensor:
        """Mel (B, 1, M, F) → codes (B, H, W, L) int64, NO_CODE where a row has no such level."""
        return self.codes_of(self.latent(mel), mel)

    def codes_of(self, latent: Tensor, mel: Tensor | None = None) -> Tensor:
        """Latents (B, D, H, W) → codes (B, H, W, L) int64; without the mel (B, 1, M, F) that they
        are of, there are none of the levels for details.
        """
        quantized = self._quantize(latent)
        indices: Tensor = quantized.indices
        if self.detail_quantizer is not None and mel is not None:
            grid = quantized.vectors.transpose(1, 2).reshape(latent.shape)
            missing = self.missing(mel, self.low_mel(grid))
            indices = with_low(indices, self.detail_quantizer(missing.flatten(1, 2)).indices)
        return indices.reshape(len(latent), *latent.shape[2:], -1)

    def decode(self, codes: Tensor, *, height: int, width: int) -> Tensor:
        """Codes (B, H, W, l ≤ L) int64 → mel (B, 1, height, width); raises CodeRangeError for an
        impossible index.
        """
        vectors = self.vectors(codes)
        decoded = self.decoder(vectors[..., : self.config.codebook_dim].permute(0, 3, 1, 2))
        return self.with_details(decoded, vectors)[..., :height, :width]

    def with_details(self, decoded: Tensor, vectors: Tensor) -> Tensor:
        """What was decoded of latents (B, 1, H · stride, W · stride), and the vectors (B, H, W, D)
        of its codes → the mel with their details.
        """
        details = vectors[:, : low_rows(vectors.shape[1]), :, self.config.codebook_dim :]
        return add_patches(decoded, details, stride=self.stride) if details.numel() else decoded

    def vectors(self, codes: Tensor) -> Tensor:
        """Codes (B, H, W, l ≤ L) int64 → the sums of their vectors (B, H, W, D), D as `vector_dim`
        of the configuration; raises CodeRangeError for an impossible index.
        """
        (height, width), low = codes.shape[1:3], low_rows(codes.shape[1])
        own, extra = codes.tensor_split([self.config.num_quantizers], dim=-1)
        latent: Tensor = self.quantizer.from_indices(own.flatten(1, 2))
        latent = latent.unflatten(1, (height, width))
        vectors = F.pad(latent, (0, self.config.vector_dim - latent.shape[-1]))
        if not extra.shape[-1]:
            return vectors
        if not self.low_parts or (extra[:, low:] != NO_CODE).any():
            raise CodeRangeError("a row has codes of levels that it does not have")
        begin = 0
        for quantizer, dims in self.low_parts:
            part = extra[:, :low, :, begin : begin + quantizer.num_quantizers]
            begin += quantizer.num_quantizers
            if part.shape[-1]:
                more = quantizer.from_indices(part.flatten(1, 2)).unflatten(1, (low, width))
                vectors[:, :low, :, dims] += more
        return vectors

    @property
    def codebooks(self) -> list[Tensor]:
        """The codebook of each level (K, D), the low levels last; D as of `vectors`."""
        return [
            F.pad(book.detach(), (dims.start, self.config.vector_dim - dims.stop))
            for quantizer, dims in ((self.quantizer, self._latent_dims), *self.low_parts)
            for book in quantizer.codebooks
        ]

    @property
    def low_parts(self) -> list[tuple[Quantizer, slice]]:
        """The quantisers of the low levels, in their order, and where their vectors have a part."""
        dims = self._latent_dims, slice(self.config.codebook_dim, self.config.vector_dim)
        quantizers = self.low_quantizer, self.detail_quantizer
        return [(each, part) for each, part in zip(quantizers, dims, strict=True) if each]

    @property
    def initialised(self) -> bool:
        """Whether the codebooks of all levels have been filled."""
        low = [quantizer for quantizer, _ in self.low_parts]
        return all(quantizer.initialised for quantizer in (self.quantizer, *low))

    def grid_shape(self, height: int, width: int) -> tuple[int, int]:
        """The latent grid (H, W) of a mel with `height` bins and `width` frames."""
        return -(-height // self.stride), -(-width // self.stride)

    @property
    def _latent_dims(self) -> slice:
        return slice(0, self.config.codebook_dim)

    def _quantize(self, latent: Tensor, sounding: Tensor | None = None) -> Quantized:
        """Latent (B, D, H, W), and which of the N = H · W positions sound (B, N) → the same
        positions quantised, without details.
        """
        vectors = latent.flatten(2).transpose(1, 2)
        quantized: Quantized = self.quantizer(vectors, sounding)
        if self.low_quantizer is None:
            return quantized
        count = low_rows(latent.shape[2]) * latent.shape[3]  # the low rows come first
        first, rest = quantized.vectors[:, :count], quantized.vectors[:, count:]
        missing = quantized.approached[:, :count] - first.detach()
        low = self.low_quantizer(missing, None if sounding is None else sounding[:, :count])
        return replace(
            quantized,
            # detached, because the first part carries the whole gradient
            vectors=torch.cat([first + low.vectors.detach(), rest], dim=1),
            indices=with_low(quantized.indices, low.indices),
            commitment=quantized.commitment + low.commitment * count / vectors.shape[1],
        )

    def _whole_patches(self, mel: Tensor) -> Tensor:
        """A mel (B, 1, M, F), grown by its last bin and frame to a multiple of the stride."""
        height, width = mel.shape[-2:]
        grown = (0, -width % self.stride, 0, -height % self.stride)
        padded = F.pad(mel, grown, mode="replicate")
        return padded.contiguous(memory_format=torch.channels_last)


def sounding_columns(sounding: Tensor, *, stride: int) -> Tensor:
    """Sounding frames (B, F), `stride` of them to a column → (B, W) bool: columns that hold one."""
    whole = F.pad(sounding, (0, -sounding.shape[1] % stride))
    columns: Tensor = whole.unflatten(1, (-1, stride)).any(dim=-1)
    return columns
