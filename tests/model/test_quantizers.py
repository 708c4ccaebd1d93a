"""What holds for every kind of quantizer: codes, sums, gradients, checks and possible sizes."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from distill import plugins
from distill.model.quantizer import NonFiniteError, Quantizer, QuantizerSizes, look_up
from distill.model.search import best_paths
from distill.training.codec.health import count_codes, health_of

SIZES = QuantizerSizes(dim=12, codebook_size=16, num_quantizers=3, kmeans_iters=5)
LEARNT_FROM_USE = ("residual_vq", "grouped_residual_vq")
every_kind = pytest.mark.parametrize("name", plugins.OWN[plugins.QUANTIZER])


def made(name: str, sizes: QuantizerSizes = SIZES) -> Quantizer:
    """With random weights."""
    torch.manual_seed(0)
    kind = plugins.load(plugins.QUANTIZER, name)
    quantizer: Quantizer = kind(sizes, **plugins.options_of(plugins.QUANTIZER, name))
    return quantizer


def vectors(seed: int, positions: int = 200) -> torch.Tensor:
    """(2, positions, D), some dimensions wider than others."""
    random = torch.randn(2, positions, SIZES.dim, generator=torch.Generator().manual_seed(seed))
    return random * torch.linspace(2, 0.2, SIZES.dim)


def trained(name: str) -> Quantizer:
    """In eval mode, after some steps by its own losses."""
    quantizer = made(name)
    torch.manual_seed(1)
    quantizer(vectors(0, positions=3000))
    weights = list(quantizer.parameters())
    optimizer = torch.optim.Adam(weights, lr=0.01) if weights else None
    for step in range(20):
        given = vectors(step, positions=3000)
        found = quantizer(given)
        if optimizer is not None:
            optimizer.zero_grad()
            (found.penalty + (found.vectors - given).square().mean()).backward()
            optimizer.step()
    return quantizer.eval()


@every_kind
def test_codes_say_the_vectors_and_more_levels_come_nearer(name: str) -> None:
    quantizer, given = trained(name), vectors(99)
    found = quantizer(given)
    assert found.indices.shape == (2, 200, 3)
    assert torch.allclose(quantizer.from_indices(found.indices), found.vectors, atol=1e-5)
    errors = [
        (quantizer.from_indices(found.indices[..., :levels]) - found.approached).square().mean()
        for levels in (1, 2, 3)
    ]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 0.5 * found.approached.square().mean()


@every_kind
def test_a_sound_in_pieces_gets_the_codes_of_the_whole(name: str) -> None:
    quantizer, given = trained(name), vectors(7)
    pieces = [quantizer(piece).indices for piece in given.split(17, dim=1)]
    assert torch.equal(torch.cat(pieces, dim=1), quantizer(given).indices)


@every_kind
def test_the_gradient_reaches_the_encoder_once(name: str) -> None:
    """As if what the codes stand for had been passed on, whatever the number of levels."""
    quantizer, given = trained(name), vectors(3).requires_grad_()
    (through,) = torch.autograd.grad(quantizer(given).vectors.sum(), given)
    (direct,) = torch.autograd.grad(quantizer.approached(given).sum(), given)
    assert torch.allclose(through, direct)


@every_kind
def test_vectors_that_are_not_finite_change_nothing(name: str) -> None:
    quantizer = trained(name).train()
    before = quantizer.codebooks.detach().clone()
    spoilt = vectors(1)
    spoilt[0, 3, 1] = float("nan")
    with pytest.raises(NonFiniteError):
        quantizer(spoilt)
    assert torch.equal(quantizer.codebooks, before)


@every_kind
def test_only_what_sounds_is_learnt_from(name: str) -> None:
    sounding = torch.zeros(2, 200, dtype=torch.bool)
    sounding[:, :90] = True
    given = vectors(5)
    louder = torch.where(sounding[..., None], given, 50 * given)
    first, second = made(name), made(name)
    terms = []
    for quantizer, heard in ((first, given), (second, louder)):
        torch.manual_seed(1)
        terms.append(quantizer(heard, sounding).penalty)
    assert torch.allclose(first.codebooks, second.codebooks, atol=1e-5)
    assert torch.allclose(*terms)


@every_kind
def test_the_search_is_at_least_as_near(name: str) -> None:
    quantizer, given = trained(name), vectors(11)
    found = quantizer(given)
    target = found.approached.flatten(0, 1)
    books = quantizer.codebooks.detach()
    paths = best_paths(list(books), target)
    searched = (quantizer.from_indices(paths[None])[0] - target).square().sum(-1).mean()
    usual = (found.vectors.detach().flatten(0, 1) - target).square().sum(-1).mean()
    assert searched <= usual + 1e-6


@every_kind
def test_a_copy_of_the_weights_gives_the_same_codes(name: str) -> None:
    quantizer, copy = trained(name), made(name)
    copy.load_state_dict(quantizer.state_dict())
    assert torch.equal(copy.eval()(vectors(4)).indices, quantizer(vectors(4)).indices)


@every_kind
def test_health_counts_all_codes(name: str) -> None:
    quantizer = trained(name)
    codes = quantizer(vectors(2, positions=400)).indices[:, None]
    sounding = torch.ones(2, 400, dtype=torch.bool)
    health = health_of(count_codes(codes, sounding, stride=1, codebook_size=16))
    assert all(level.utilization > 0.5 for level in health.levels)
    assert quantizer.learns_by_use == (name in LEARNT_FROM_USE)


@pytest.mark.parametrize(
    ("name", "asked", "possible"),
    [
        ("residual_vq", 100, 100),
        ("residual_sim_vq", 100, 100),
        ("residual_lfq", 100, 64),
        ("residual_lfq", 64, 64),
        ("residual_fsq", 100, 64),
        ("residual_fsq", 128, 128),
        ("grouped_residual_vq", 100, 100),
        ("grouped_residual_vq", 128, 121),
    ],
)
def test_the_number_of_codes_is_one_that_the_kind_can_have(
    name: str, asked: int, possible: int
) -> None:
    kind = plugins.load(plugins.QUANTIZER, name)
    options = plugins.options_of(plugins.QUANTIZER, name)
    assert kind.possible_size(asked, options) == possible
    books = made(name, replace(SIZES, codebook_size=possible)).codebooks
    assert books.shape == (3, possible, SIZES.dim)
    if possible != asked:
        with pytest.raises(ValueError, match=str(asked)):
            made(name, replace(SIZES, codebook_size=asked))


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("residual_fsq", {"values": 1}, "values=1: must be from 2"),
        ("residual_lfq", {"entropy_weight": -1.0}, "entropy_weight=-1: must be from 0"),
        ("grouped_residual_vq", {"groups": 1}, "groups=1: must be from 2 to 8"),
        ("residual_sim_vq", {"codebook_weight": 1e9}, "codebook_weight=1e\\+09: must be from 0"),
    ],
)
def test_impossible_options_are_refused(name: str, options: dict[str, float], says: str) -> None:
    kind = plugins.load(plugins.QUANTIZER, name)
    with pytest.raises(ValueError, match=says):
        kind.possible_size(256, options)


def test_the_gradient_of_codes_is_the_same_each_time() -> None:
    """By a plain index it would add up in another order in each run."""
    codes, upstream = torch.randint(64, (3000,)), torch.randn(3000, 128)

    def gradient() -> torch.Tensor:
        book = torch.zeros(64, 128, requires_grad=True)
        (look_up(book, codes) * upstream).sum().backward()
        assert book.grad is not None
        return book.grad

    assert all(torch.equal(gradient(), gradient()) for _ in range(20))


def test_codes_of_another_shape_are_told_by_name() -> None:
    class Wrong(plugins.load(plugins.QUANTIZER, "residual_vq")):  # type: ignore[misc]
        def choose(self, latents: torch.Tensor) -> torch.Tensor:
            return torch.zeros(3)

    quantizer = Wrong(SIZES)
    quantizer(vectors(0))
    with pytest.raises(TypeError, match="Wrong.choose must return int64 codes"):
        quantizer.eval()(vectors(0))
