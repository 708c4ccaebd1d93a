"""mel (B, 1, M, F) → codes (B, H, W, l), by a beam search over the levels.

The code that is nearest at one level is not always the one that the next levels can add most to.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from distill.model.held import with_low
from distill.model.layout import NO_CODE, low_rows
from distill.model.quantizer import Quantizer, require_finite
from distill.model.vqvae import ConvVQVAE

BEAMS, FEW_BEAMS = 8, 2
POSITIONS = 512
"""Searched at once, which bounds the memory."""


def search_codes(network: ConvVQVAE, mel: Tensor, *, levels: int) -> Tensor:
    """Mel (B, 1, M, F) → codes of the first `levels` levels, and if these are all, of the levels
    that only the low rows have, with NO_CODE in other rows. The search knows of no further levels.

    Raises NonFiniteError for NaN or infinity.
    """
    codes = search_latent(network, network.latent(mel), levels=levels)
    if network.detail_quantizer is None or levels < network.config.num_quantizers:
        return codes
    missing = network.missing(mel, network.low_mel(grid_of(network, codes)))
    return search_details(network, codes, missing)


def search_latent(
    network: ConvVQVAE, latent: Tensor, *, levels: int, quick: bool = False
) -> Tensor:
    """Latent grid (B, D, H, W) → codes (B, H, W, l), but for those of details. A `quick` search
    looks at few paths, in single precision.
    """
    require_finite(latent, "the encoder's output holds NaN or infinity", on_all_ranks=False)
    books, low_books = _books(network.quantizer)[:levels], []
    if network.low_quantizer is not None and levels == network.config.num_quantizers:
        low_books = _books(network.low_quantizer)
    vectors = network.approached(latent.detach()).permute(0, 2, 3, 1)
    low = low_rows(latent.shape[2])
    own = _search_grid([*books, *low_books], vectors[:, :low], quick=quick)
    rest = _search_grid(books, vectors[:, low:], quick=quick)
    return torch.cat([own, F.pad(rest, (0, len(low_books)), value=NO_CODE)], dim=1)


def search_details(
    network: ConvVQVAE, codes: Tensor, missing: Tensor, *, quick: bool = False
) -> Tensor:
    """Codes (B, H, W, L) of the other levels, and what the low rows lack (B, h, W, D) → those codes
    and the ones of the levels for details, which the network has.
    """
    assert network.detail_quantizer is not None
    found = _search_grid(_books(network.detail_quantizer), missing, quick=quick)
    grid = codes.shape[1:3]
    whole: Tensor = with_low(codes.flatten(1, 2), found.flatten(1, 2)).unflatten(1, grid)
    return whole


def _books(quantizer: Quantizer) -> list[Tensor]:
    return list(quantizer.codebooks.detach())


def grid_of(network: ConvVQVAE, codes: Tensor) -> Tensor:
    """Codes (B, H, W, L) → the latent grid (B, D, H, W) that is decoded."""
    return network.vectors(codes)[..., : network.config.codebook_dim].permute(0, 3, 1, 2)


def _search_grid(books: Sequence[Tensor], vectors: Tensor, *, quick: bool) -> Tensor:
    """Vectors (B, H, W, D) → codes (B, H, W, L)."""
    pieces = vectors.flatten(0, 2).split(POSITIONS)
    if quick:
        found = [_paths(books, piece, beams=FEW_BEAMS)[0][:, 0] for piece in pieces]
    else:
        found = [best_paths(books, piece) for piece in pieces]
    codes = torch.cat(found)
    return codes.reshape(*vectors.shape[:-1], len(books))


def best_paths(books: Sequence[Tensor], vectors: Tensor) -> Tensor:
    """The codebook (K, D) of each level and vectors (N, D) → codes (N, L), whose sums are at least
    as near to the vectors as those chosen level by level.

    In double precision, for the reason that `quantizer` gives.
    """
    precise = torch.float32 if vectors.device.type == "mps" else torch.float64
    books, vectors = [book.to(precise) for book in books], vectors.to(precise)
    found = [_paths(books, vectors, beams=beams) for beams in (BEAMS, 1)]
    paths, errors = (torch.cat(each, dim=1) for each in zip(*found, strict=True))
    best = errors.argmin(dim=1)
    return paths[torch.arange(len(paths), device=best.device), best]


def _paths(books: Sequence[Tensor], vectors: Tensor, *, beams: int) -> tuple[Tensor, Tensor]:
    """Codes (N, b, L) of the best paths that were kept from level to level, at most `beams` of them
    for each vector and the best one first, and their squared errors (N, b).
    """
    residual = vectors[:, None]
    paths = torch.empty(len(vectors), 1, 0, dtype=torch.int64, device=vectors.device)
    for book in books:
        errors = residual.square().sum(-1, keepdim=True) + book.square().sum(-1)
        errors = (errors - 2 * residual @ book.T).flatten(1)
        chosen = errors.topk(min(beams, errors.shape[1]), largest=False).indices
        parent, code = chosen // len(book), chosen % len(book)
        residual = _of(residual, parent) - book[code]
        paths = torch.cat([_of(paths, parent), code[..., None]], dim=-1)
    return paths, residual.square().sum(-1)


def _of(values: Tensor, parent: Tensor) -> Tensor:
    """Values (N, a, X) and places (N, b) in [0, a) → the values there (N, b, X)."""
    return values.gather(1, parent[..., None].expand(-1, -1, values.shape[-1]))
