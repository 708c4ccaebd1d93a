"""How likely codes are, and what is drawn by it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from distill.model.held import are_codes, held_levels
from distill.model.layout import NO_CODE
from distill.prior.conditions import UNKNOWN, Conditions
from distill.prior.config import PriorNetworkConfig
from distill.prior.network import PriorNetwork
from distill.prior.sampling import GROUP, Draw, draw

CODES = 12


def network_of(rows: int = 5, window: int = 8, spread: float = 0.4) -> PriorNetwork:
    """A small one with random weights."""
    config = PriorNetworkConfig(
        rows=rows,
        levels=2,
        codebook_size=CODES,
        codebook_dim=6,
        block_rows=2,
        block_columns=2,
        width=16,
        layers=2,
        heads=2,
        depth_width=12,
        depth_layers=1,
        depth_heads=2,
        window=window,
        classes=3,
        dropout=0.0,
    )
    torch.manual_seed(0)
    network = PriorNetwork(config, torch.randn(2, CODES, 6)).eval()
    for weight in network.parameters():
        torch.nn.init.normal_(weight, std=spread)
    torch.nn.init.constant_(network.head.sharpness, 4.0)
    return network


def low_network(rows: int = 8, levels: int = 2) -> PriorNetwork:
    """One for codes of which the low rows have three levels more, of 5 codes each."""
    plain = network_of(rows).config
    config = replace(plain, levels=levels, low_levels=3, low_codebook_size=5)
    torch.manual_seed(0)
    network = PriorNetwork(config, [torch.randn(size, 6) for size in config.layout.sizes]).eval()
    for weight in network.parameters():
        torch.nn.init.normal_(weight, std=0.4)
    torch.nn.init.constant_(network.head.sharpness, 0.5)
    return network


def low_codes(network: PriorNetwork, sounds: int, width: int) -> Tensor:
    """Random codes (B, H, W, L) where there are any."""
    layout = network.config.layout
    shape = (sounds, layout.rows, width)
    generator = torch.Generator().manual_seed(1)
    books = [torch.randint(size, shape, generator=generator) for size in layout.sizes]
    held = held_levels(layout)[:, None]
    return torch.where(held, torch.stack(books, dim=-1), NO_CODE)


def conditions(
    first: int = 0, columns: int = 4, label: int = 0, level_db: float = -20.0
) -> Conditions:
    """Of one sound."""
    whole = (torch.tensor([value]) for value in (first, columns, label))
    return Conditions(*whole, torch.tensor([level_db]))


def random_codes(*shape: int) -> Tensor:
    return torch.randint(0, CODES, shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("rows", "width"), [(4, 6), (5, 7), (1, 1)])
def test_blocks_are_the_same_codes_in_another_order(rows: int, width: int) -> None:
    network = network_of(rows)
    codes = random_codes(2, rows, width, 2)
    again = network.codes(network.blocks(codes))
    assert torch.equal(again[:, :, :width], codes)
    valid = torch.ones(2, width, dtype=torch.bool)
    valid[1, 1:] = False
    assert int(network.code_mask(valid).sum()) == (width + 1) * rows * 2, "each code counts once"


def test_a_code_depends_on_those_before_it_alone() -> None:
    network = network_of()
    codes, valid = random_codes(1, 5, 6, 2), torch.ones(1, 6, dtype=torch.bool)
    logits = network(codes, conditions(), valid)
    blocks = network.blocks(codes)
    place, number = 4, 3
    blocks[0, place, number] = (blocks[0, place, number] + 1) % CODES
    changed = network(network.codes(blocks)[:, :, :6], conditions(), valid)
    is_changed = (logits - changed).abs().amax(dim=2) > 0
    assert not is_changed[:place].any()
    assert not is_changed[place, : number + 1].any()
    assert is_changed[place, number + 1 :].all()
    assert is_changed[place + 1 :].any(dim=1).all()


def test_each_condition_matters() -> None:
    network, codes = network_of(), random_codes(1, 5, 4, 2)
    valid = torch.ones(1, 4, dtype=torch.bool)
    logits = network(codes, conditions(), valid)
    for known in (
        conditions(first=3),
        conditions(columns=9),
        conditions(columns=UNKNOWN),
        conditions(label=2),
        conditions(label=UNKNOWN),
        conditions(level_db=-40.0),
        conditions(level_db=float("nan")),
    ):
        other = network(codes, known, valid)
        assert torch.isfinite(other).all()
        assert not torch.allclose(logits, other), known


def test_the_window_and_the_memory_see_the_same() -> None:
    """What is drawn with remembered keys and values is what the whole would have said."""
    network = network_of(rows=4)
    columns = 6
    likely = Draw(seed=3, columns=columns, label=1, level_db=-20.0, temperature=0.05)
    codes = draw(network, {0: likely})[0]
    valid = torch.ones(1, columns, dtype=torch.bool)
    logits = network(codes[None], conditions(columns=3, label=1), valid)
    chosen = network.blocks(codes[None])[0]
    assert (logits.argmax(dim=2) == chosen)[network.code_mask(valid)].float().mean() > 0.9


def test_the_same_seed_gives_the_same_sound_alone_and_with_others() -> None:
    network = network_of()
    sounds = {
        place: Draw(seed=place, columns=4 + place % 3, label=place % 3, level_db=-20.0)
        for place in range(GROUP)
    }
    together = draw(network, sounds)
    for place in (0, 7, 15):
        (alone,) = draw(network, {place: sounds[place]}).values()
        assert torch.equal(alone, together[place])
    assert len({tuple(codes[:, :4].flatten().tolist()) for codes in together.values()}) == GROUP


def test_a_sound_longer_than_the_window_is_drawn_to_its_end() -> None:
    network = network_of(rows=3, window=3)
    codes = draw(network, {0: Draw(seed=0, columns=21, label=0, level_db=-20.0)})[0]
    assert codes.shape == (3, 21, 2)
    assert len({tuple(column.flatten().tolist()) for column in codes.unbind(1)}) > 5


def test_a_given_beginning_stays() -> None:
    network, beginning = network_of(), random_codes(5, 3, 2)
    one = Draw(seed=0, columns=8, label=0, level_db=-20.0, beginning=beginning)
    codes = draw(network, {2: one})[2]
    assert torch.equal(codes[:, :3], beginning)


def test_a_strong_pull_gives_the_target_and_none_gives_something_else() -> None:
    network, target = network_of(), random_codes(5, 6, 2)
    books = [book / network.scale for book in network.codebooks]
    vectors = books[0][target[..., 0]] + books[1][target[..., 1]]
    near = {}
    for pull in (0.0, 1.0, 1e4):
        one = Draw(seed=0, columns=6, label=0, level_db=-20.0, target=vectors, pull=pull)
        drawn = draw(network, {0: one})[0]
        sums = books[0][drawn[..., 0]] + books[1][drawn[..., 1]]
        near[pull] = float((sums - vectors).square().sum(dim=-1).mean())
    assert near[1e4] < near[1.0] < near[0.0]


def test_a_low_temperature_draws_what_is_usual() -> None:
    network = network_of(spread=0.7)
    hot, cold = (
        draw(network, {n: Draw(n, 6, 0, -20.0, temperature=heat) for n in range(GROUP)})
        for heat in (2.0, 0.05)
    )
    kinds = [
        len({tuple(codes[:, 0].flatten().tolist()) for codes in drawn.values()})
        for drawn in (hot, cold)
    ]
    assert kinds[1] < kinds[0]


LOW_ROWS = pytest.mark.parametrize("rows", [8, 9, 5, 1])
"""Low rows that fill blocks, one that shares its block with another row, and nothing but one."""


@LOW_ROWS
def test_levels_of_the_low_rows_are_codes_like_others(rows: int) -> None:
    network = low_network(rows)
    codes = low_codes(network, 2, 5)
    valid = torch.ones(2, 5, dtype=torch.bool)
    valid[1, 2:] = False
    assert torch.equal(network.codes(network.blocks(codes))[:, :, :5], codes)
    real = network.code_mask(valid)
    assert int(real.sum()) == 7 * network.config.layout.column_codes
    logits = network(codes, conditions(), valid)
    assert logits.shape == (*real.shape, CODES)
    assert torch.isfinite(logits).all()
    assert (logits[..., :5][real].abs().sum(dim=1) > 0).all()


@LOW_ROWS
def test_a_code_of_a_low_row_depends_on_those_before_it_alone(rows: int) -> None:
    network = low_network(rows)
    codes, valid = low_codes(network, 1, 6), torch.ones(1, 6, dtype=torch.bool)
    logits, real = network(codes, conditions(), valid), network.code_mask(valid)
    blocks = network.blocks(codes)
    place, number = network.config.positions, 3  # the third level of the lowest row's first cell
    blocks[0, place, number] = (blocks[0, place, number] + 1) % 5
    changed = network(network.codes(blocks)[:, :, :6], conditions(), valid)
    is_changed = (logits - changed).abs().amax(dim=2) > 0
    assert not is_changed[:place].any()
    assert not is_changed[place, : number + 1].any()
    assert is_changed[place, number + 1 :][real[place, number + 1 :]].all()


@LOW_ROWS
def test_drawn_codes_are_where_the_model_has_levels(rows: int) -> None:
    network = low_network(rows)
    sounds = {n: Draw(seed=n, columns=5, label=n % 3, level_db=-20.0) for n in range(3)}
    for codes in draw(network, sounds).values():
        assert are_codes(codes, network.config.layout)
        assert codes[0, :, 2:].unique().numel() > 2


def test_a_target_and_a_beginning_hold_for_the_low_rows_too() -> None:
    network = low_network()
    (codes,) = low_codes(network, 1, 6)
    vectors = network.vectors(codes.flatten(2)).sum(dim=(-3, -2)) / network.scale
    one = Draw(seed=0, columns=6, label=0, level_db=-20.0)
    apart = {}
    for pull in (0.0, 1e4):
        drawn = draw(network, {0: replace(one, target=vectors, pull=pull)})[0]
        found = network.vectors(drawn.flatten(2)).sum(dim=(-3, -2)) / network.scale
        apart[pull] = (found - vectors)[:2].square().sum(dim=-1).mean()
    assert apart[1e4] < 0.5 * apart[0.0]
    given = draw(network, {0: replace(one, beginning=codes[:, :3])})[0]
    assert torch.equal(given[:, :3], codes[:, :3])
    assert are_codes(given, network.config.layout)


def test_what_is_drawn_is_what_the_whole_would_have_said_with_low_rows() -> None:
    network = low_network()
    likely = Draw(seed=3, columns=6, label=1, level_db=-20.0, temperature=0.05)
    codes = draw(network, {0: likely})[0]
    valid = torch.ones(1, 6, dtype=torch.bool)
    logits = network(codes[None], conditions(columns=3, label=1), valid)
    chosen, real = network.blocks(codes[None])[0], network.code_mask(valid)
    sizes = torch.tensor(network.config.layout.sizes).repeat(4)
    beyond = torch.arange(CODES) >= sizes[:, None]
    best = logits.masked_fill(beyond, -torch.inf).argmax(dim=2)
    assert (best == chosen)[real].float().mean() > 0.9


def test_codes_are_known_by_their_vectors() -> None:
    """A codebook in another order gives the same likelihoods in that order."""
    network = network_of()
    order = torch.randperm(CODES, generator=torch.Generator().manual_seed(2))
    books = [book / network.scale for book in network.codebooks]
    other = PriorNetwork(network.config, [book[order] for book in books]).eval()
    other.load_state_dict(network.state_dict() | {"frequency": network.frequency[..., order]})
    codes = random_codes(1, 5, 6, 2)
    valid = torch.ones(1, 6, dtype=torch.bool)
    logits = network(codes, conditions(), valid)[..., :CODES]
    renamed = order.argsort()[codes]
    torch.testing.assert_close(
        other(renamed, conditions(), valid)[..., :CODES], logits[..., order], rtol=1e-4, atol=1e-4
    )
