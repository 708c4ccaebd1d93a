"""Codes that were searched for: never further from the latents, and of the levels asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from distill.model import search
from distill.model.held import are_codes
from distill.model.layout import NO_CODE
from distill.model.quantizer import NonFiniteError
from distill.model.search import best_paths, grid_of, search_codes
from distill.model.vqvae import ConvVQVAE
from tests.helpers.low_rows import LOW_CONFIG, LOW_SPECTROGRAM, low_model

LAYOUT = LOW_CONFIG.layout(LOW_SPECTROGRAM.n_mels)
SIZES = ((8, 8), (16, 16, 16), (32, 8, 5, 3), (2, 2, 2, 2, 2, 2), (1, 1))


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def level_by_level(books: Sequence[Tensor], vectors: Tensor) -> Tensor:
    """The usual codes (N, L)."""
    codes = []
    for book in books:
        codes.append(torch.cdist(vectors, book).argmin(dim=-1))
        vectors = vectors - book[codes[-1]]
    return torch.stack(codes, dim=-1)


def errors(books: Sequence[Tensor], codes: Tensor, vectors: Tensor) -> Tensor:
    """(N,)"""
    chosen = [book[code] for book, code in zip(books, codes.unbind(-1), strict=True)]
    return (vectors - torch.stack(chosen).sum(dim=0)).square().sum(-1)


@pytest.fixture(scope="module")
def network() -> ConvVQVAE:
    return low_model()


@pytest.fixture(scope="module")
def mel() -> Tensor:
    return noise(2, 1, LOW_SPECTROGRAM.n_mels, 160)


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_no_vector_is_further_away_than_level_by_level(sizes: tuple[int, ...]) -> None:
    for seed in range(20):
        books = [
            noise(size, 6, seed=seed + level).double() / 2**level
            for level, size in enumerate(sizes)
        ]
        vectors = noise(300, 6, seed=100 + seed).double()
        found = errors(books, best_paths(books, vectors), vectors)
        usual = errors(books, level_by_level(books, vectors), vectors)
        assert (found <= usual + 1e-12).all()
        if min(sizes) > 2:
            assert found.mean() < 0.99 * usual.mean()


def test_with_two_levels_of_few_codes_it_is_the_best_pair_of_all() -> None:
    books = [noise(6, 4, seed=seed).double() for seed in (1, 2)]
    vectors = noise(100, 4).double()
    pairs = (books[0][:, None] + books[1][None]).flatten(0, 1)
    best = torch.cdist(vectors, pairs).square().amin(dim=1)
    found = errors(books, best_paths(books, vectors), vectors)
    torch.testing.assert_close(found, best)


def test_single_vectors_have_the_codes_that_they_have_among_others() -> None:
    books = [noise(64, 8, seed=seed) for seed in range(4)]
    vectors = noise(50, 8)
    alone = torch.cat([best_paths(books, vector) for vector in vectors.split(1)])
    assert torch.equal(alone, best_paths(books, vectors))


def test_low_rows_have_their_levels_and_the_others_have_none(
    network: ConvVQVAE, mel: Tensor
) -> None:
    codes = search_codes(network, mel, levels=2)
    assert are_codes(codes, LAYOUT)
    usual = network.encode(mel)
    wanted = network.latent(mel)
    for rows in (slice(0, 1), slice(1, None)):
        found, before = (
            float((grid_of(network, each) - wanted)[:, :, rows].square().mean())
            for each in (codes, usual)
        )
        assert found < before


def test_details_are_searched_for_too(mel: Tensor) -> None:
    network = low_model(replace(LOW_CONFIG, low_levels=4))
    codes = search_codes(network, mel, levels=2)
    assert are_codes(codes, network.config.layout(LOW_SPECTROGRAM.n_mels))
    missing = network.missing(mel, network.low_mel(grid_of(network, codes)))
    books = [book[:, LOW_CONFIG.codebook_dim :].double() for book in network.codebooks[-2:]]
    wanted = missing.flatten(0, 2).double()
    found = errors(books, codes[:, : missing.shape[1], :, -2:].flatten(0, 2), wanted)
    usual = errors(books, level_by_level(books, wanted), wanted)
    assert (found <= usual + 1e-9).all()
    assert found.mean() < usual.mean()


def test_levels_that_are_left_out_are_not_counted_on(network: ConvVQVAE, mel: Tensor) -> None:
    """The first codes of a search over all levels would do worse alone."""
    one = search_codes(network, mel, levels=1)
    assert one.shape[-1] == 1
    usual = network.encode(mel)[..., :1]
    assert torch.equal(one, usual), "of a single level, the nearest codes are the best"
    assert not torch.equal(search_codes(network, mel, levels=2)[..., :1], usual)


def test_a_model_without_low_levels_is_searched_too() -> None:
    torch.manual_seed(0)
    plain = ConvVQVAE(replace(LOW_CONFIG, low_levels=0, low_codebook_size=0))
    mel = noise(4, 1, LOW_SPECTROGRAM.n_mels, 64)
    plain(mel)
    codes = search_codes(plain.eval(), mel, levels=2)
    assert codes.shape == plain.encode(mel).shape
    assert (codes != NO_CODE).all()


def test_memory_is_bounded_and_does_not_change_the_codes(
    network: ConvVQVAE, mel: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = search_codes(network, mel, levels=2)
    monkeypatch.setattr(search, "POSITIONS", 3)
    assert torch.equal(search_codes(network, mel, levels=2), whole)


def test_what_is_not_finite_is_refused(network: ConvVQVAE, mel: Tensor) -> None:
    spoilt = mel.clone()
    spoilt[0, 0, 0, 0] = torch.nan
    with pytest.raises(NonFiniteError):
        search_codes(network, spoilt, levels=2)
