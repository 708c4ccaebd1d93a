"""code counts → utilization, perplexity, dead codes, and whether they can be judged."""

from __future__ import annotations

import math

import pytest
import torch

from distill.codec.description import LevelHealth
from distill.codec.level_health import FEWEST_POSITIONS, POSITIONS_PER_CODE, SideHealth
from distill.model.layout import NO_CODE, CodeLayout
from distill.runs.row_words import level_lines
from distill.training.codec.health import count_codes, health_of, remedy


def side(*utilizations: float, positions: int = 10_000, codes: int = 100) -> SideHealth:
    """Levels of which only the share of codes in use matters."""
    levels = tuple(
        LevelHealth(share, max(1.0, share * codes), round((1 - share) * codes))
        for share in utilizations
    )
    return SideHealth(levels, positions, codes)


def test_figures_on_counts_worked_by_hand() -> None:
    counts = torch.tensor([[2, 2, 2, 2], [8, 0, 0, 0], [4, 2, 2, 0]])
    health = health_of(counts)
    even, collapsed, uneven = health.levels
    assert (even.utilization, even.dead_codes) == (1.0, 0)
    assert even.perplexity == pytest.approx(4)
    assert (collapsed.utilization, collapsed.dead_codes) == (0.25, 3)
    assert collapsed.perplexity == pytest.approx(1)
    assert (uneven.utilization, uneven.dead_codes) == (0.75, 1)
    # entropy ½ ln 2 + 2 · ¼ ln 4 = 1.5 ln 2
    assert uneven.perplexity == pytest.approx(2**1.5)
    assert (health.positions, health.codebook_size) == (8, 4)


def test_counts_of_millions_keep_their_precision() -> None:
    counts = torch.full((1, 1024), 3_000_001, dtype=torch.int64)
    assert health_of(counts).levels[0].perplexity == pytest.approx(1024, rel=1e-9)
    assert health_of(counts).positions == 1024 * 3_000_001


def test_nothing_counted_is_zero_and_never_a_warning() -> None:
    health = health_of(torch.zeros(3, 16, dtype=torch.int64))
    assert [(level.utilization, level.perplexity) for level in health.levels] == [(0, 0)] * 3
    assert not health.can_judge(0.3)
    assert health.ill_levels(0.3) == ()


def test_levels_under_the_threshold_are_ill_and_the_others_are_not() -> None:
    assert side(0.9, 0.29, 0.3, 0.01).ill_levels(0.3) == (1, 3)
    assert side(0.9, 0.5).ill_levels(0.3) == ()
    assert side(0.9, 0.5).ill_levels(0.95) == (0, 1)


def test_too_few_positions_cannot_be_judged_and_never_warn() -> None:
    few = side(0.01, 0.01, positions=FEWEST_POSITIONS - 1)
    assert not few.complete
    assert not few.can_judge(0.3)
    assert few.ill_levels(0.3) == ()


@pytest.mark.parametrize("codes", [32, 64, 128, 256, 512, 1024])
@pytest.mark.parametrize("min_utilization", [0.1, 0.3, 0.45, 0.6, 0.9])
def test_perfectly_even_use_is_never_called_ill(codes: int, min_utilization: float) -> None:
    """However few positions there are, a healthy codebook raises no false alarm."""
    generator = torch.Generator().manual_seed(0)
    for positions in (10, 100, 256, 400, 700, 1_200, 2_000, 20_000):
        drawn = torch.randint(codes, (positions,), generator=generator)
        health = health_of(torch.bincount(drawn, minlength=codes)[None])
        assert health.ill_levels(min_utilization) == (), (positions, health.levels)


def test_sixteen_positions_a_code_are_complete() -> None:
    assert POSITIONS_PER_CODE == 16
    assert side(0.5, positions=1600, codes=100).complete
    assert not side(0.5, positions=1599, codes=100).complete
    assert side(0.5, positions=1600, codes=100).can_judge(0.99)


def test_small_codebook_is_judged_from_few_positions_only_if_they_suffice() -> None:
    # 300 positions reach 95 % of 100 codes: enough to see that a threshold of 30 % is missed
    assert side(0.1, positions=300, codes=100).ill_levels(0.3) == (0,)
    # of 1024 codes they can reach a quarter at best: nothing can be said
    assert side(0.1, positions=300, codes=1024).ill_levels(0.3) == ()


def test_snapshot_is_what_a_bundle_stores() -> None:
    health = health_of(torch.tensor([[2, 2], [4, 0]]))
    assert health.snapshot() == {
        "level_0": {"utilization": 1.0, "perplexity": pytest.approx(2), "dead_codes": 0},
        "level_1": {"utilization": 0.5, "perplexity": pytest.approx(1), "dead_codes": 1},
    }


def advice(
    health: SideHealth,
    *,
    fitting: int = 100,
    threshold: float = 2,
    commitment_weight: float = 0.25,
) -> str:
    return remedy(
        health,
        health.ill_levels(0.35),
        fitting_codebook_size=fitting,
        dead_code_threshold=threshold,
        commitment_weight=commitment_weight,
    )


def test_remedy_turns_dead_code_reset_on() -> None:
    assert "rvq.dead_code_threshold=2" in advice(side(0.1), threshold=0)
    assert "dead_code_threshold" not in advice(side(0.1), threshold=2)


def test_remedy_shrinks_a_codebook_that_the_collection_cannot_fill() -> None:
    assert "rvq.codebook_size=64" in advice(side(0.1, 0.1), fitting=64)
    both = advice(side(0.1, 0.1), fitting=64, threshold=0)
    assert "rvq.codebook_size=64" in both
    assert "rvq.dead_code_threshold=2" in both


def test_remedy_drops_idle_fine_levels() -> None:
    assert "rvq.levels=2" in advice(side(0.9, 0.8, 0.1, 0.2))


@pytest.mark.parametrize("shares", [(0.1, 0.9), (0.1, 0.1), (0.9, 0.1, 0.9)])
def test_remedy_raises_the_commitment_weight(shares: tuple[float, ...]) -> None:
    assert "model.commitment_weight=0.5" in advice(side(*shares))
    assert "model.commitment_weight=1" in advice(side(*shares), commitment_weight=0.8)
    assert "rvq.levels" not in advice(side(*shares))


def test_remedy_never_advises_what_is_already_so() -> None:
    last = advice(side(0.1, 0.1), commitment_weight=1.0)
    assert "rvq.codebook_size=50" in last
    assert "commitment_weight" not in last
    zero = advice(side(0.1, 0.1), commitment_weight=0.0)
    assert "model.commitment_weight=0.25" in zero


def test_counting_ignores_columns_of_padding() -> None:
    indices = torch.tensor(
        [
            [[[0, 1], [2, 1], [7, 7]], [[0, 3], [2, 3], [7, 7]]],
            [[[4, 5], [7, 7], [7, 7]], [[4, 5], [7, 7], [7, 7]]],
        ]
    )  # (B=2, H=2, W=3, L=2), 7 in the padding
    frames = torch.arange(12)[None] < torch.tensor([[5], [1]])  # 4 frames a column
    counts = count_codes(indices, frames, stride=4, codebook_size=8)
    assert counts.tolist() == [[2, 0, 2, 0, 2, 0, 0, 0], [0, 2, 0, 2, 0, 2, 0, 0]]


def test_counting_takes_every_position_of_a_sound_that_fills_its_segment() -> None:
    indices = torch.randint(8, (3, 4, 5, 2), generator=torch.Generator().manual_seed(0))
    counts = count_codes(
        indices, torch.ones(3, 5 * 16 - 7, dtype=torch.bool), stride=16, codebook_size=8
    )
    assert counts.sum(dim=1).tolist() == [60, 60]
    for level in range(2):
        assert torch.equal(
            counts[level], torch.bincount(indices[..., level].flatten(), minlength=8)
        )


def test_counting_silence_gives_zeros() -> None:
    indices = torch.zeros(1, 2, 3, 2, dtype=torch.int64)
    counts = count_codes(indices, torch.zeros(1, 12, dtype=torch.bool), stride=4, codebook_size=8)
    assert counts.shape == (2, 8)
    assert counts.sum() == 0


def test_attainable_utilization_matches_even_draws() -> None:
    drawn = torch.randint(200, (300,), generator=torch.Generator().manual_seed(1))
    health = health_of(torch.bincount(drawn, minlength=200)[None])
    assert health.attainable == pytest.approx(1 - math.exp(-1.5))
    assert health.levels[0].utilization == pytest.approx(health.attainable, abs=0.06)


LAYOUT = CodeLayout(4, 2, 8, 2, 3)


def with_low(counts: list[list[int]]) -> SideHealth:
    """Two levels of 8 codes in all four rows, two of 3 codes in the lowest."""
    return health_of(torch.tensor(counts), LAYOUT)


def test_levels_of_the_low_rows_are_counted_over_their_own_places() -> None:
    generator = torch.Generator().manual_seed(0)
    indices = torch.randint(3, (5, 4, 6, 4), generator=generator)
    indices[:, 1:, :, 2:] = NO_CODE
    counts = count_codes(indices, torch.ones(5, 24, dtype=torch.bool), stride=4, codebook_size=8)
    assert counts.sum(dim=1).tolist() == [120, 120, 30, 30]
    health = health_of(counts, LAYOUT)
    assert (health.positions, health.codebook_size, len(health.levels)) == (120, 8, 2)
    assert health.low is not None
    assert (health.low.positions, health.low.codebook_size) == (30, 3)
    assert health.low.levels[0].utilization == 1.0
    assert health.levels[0].utilization == 3 / 8


def test_levels_of_the_low_rows_have_rows_of_their_own() -> None:
    even = [100] * 8
    health = with_low([even, even, [99, 99, 0] + [0] * 5, [300, 0, 0] + [0] * 5])
    assert [row.level for row in health.rows(0.5)] == ["0", "1", "low 0", "low 1"]
    assert health.ill_levels(0.5) == (3,)
    assert health.name(3) == "level 1 of the low rows"
    assert health.every_level[2].dead_codes == 1
    lines = level_lines(health, 0.5)
    assert "low 0    utilization  66.7%   perplexity    2.0 of 3   dead codes 1" in lines[2]
    assert [line.endswith("mostly idle") for line in lines] == [False, False, False, True]
    assert SideHealth.from_plain(health.report()) == health
    assert list(health.snapshot()) == ["level_0", "level_1", "low_0", "low_1"]
    again = SideHealth.from_snapshot(
        health.snapshot(),
        positions=800,
        codebook_size=8,
        low_positions=198,
        low_codebook_size=3,
    )
    assert again == health


def test_few_places_in_the_low_rows_are_no_alarm() -> None:
    health = with_low([[100] * 8, [100] * 8, [9] + [0] * 7, [9] + [0] * 7])
    assert health.ill_levels(0.5) == ()
    lines = level_lines(health, 0.5)
    assert ["rough: measured at only 9 places" in line for line in lines] == [False] * 2 + [
        True
    ] * 2


def test_remedy_drops_idle_levels_of_the_low_rows() -> None:
    even, idle = [100] * 8, [300, 0, 0] + [0] * 5
    assert "rvq.low_levels=0" in advice(with_low([even, even, idle, idle]), fitting=8)
    one = advice(with_low([even, even, [99, 99, 99] + [0] * 5, idle]), fitting=8)
    assert one.startswith("rvq.low_levels=1 (")
