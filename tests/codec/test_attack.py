"""How sharply sounds begin, and what is heard before, by hand-made sounds."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from distill.codec.attack import (
    Attack,
    Attacks,
    EnvelopeMeter,
    envelope_of,
    find_attacks,
    measure_attacks,
)

RATE_HZ = 16_000
MS = RATE_HZ // 1000


def silence(ms: float) -> Tensor:
    return torch.zeros(1, round(ms * MS))


def click(*, before_ms: float = 0, after_ms: float = 100) -> Tensor:
    """Full level at once, then dying away."""
    fall = torch.exp(-torch.arange(after_ms * MS) / (20 * MS))[None]
    return torch.cat([silence(before_ms), 0.9 * fall], dim=1)


def ramp(ms: float, *, before_ms: float = 0, after_ms: float = 100) -> Tensor:
    """From nothing to full level in a straight line, and on at this level."""
    up = torch.arange(1, round(ms * MS) + 1)[None] / (ms * MS)
    return 0.9 * torch.cat([silence(before_ms), up, torch.ones(1, round(after_ms * MS))], dim=1)


def attacks_of(original: Tensor, other: Tensor | None = None) -> list[Attack]:
    pair = (original, original if other is None else other)
    return find_attacks(*(envelope_of(each, RATE_HZ) for each in pair))


def only(original: Tensor, other: Tensor | None = None) -> Attack:
    (attack,) = attacks_of(original, other)
    return attack


@pytest.mark.parametrize("before_ms", [0, 7, 30])
def test_a_click_is_there_at_once_and_a_ramp_takes_six_tenths_of_its_time(before_ms: int) -> None:
    assert only(click(before_ms=before_ms)).original_rise_ms <= 0.5
    for ms in (10, 20):
        rise_ms = only(ramp(ms, before_ms=before_ms)).original_rise_ms
        assert rise_ms == pytest.approx(0.6 * ms, abs=0.5)  # from 10 to 70 % of the peak


def test_a_rise_is_counted_in_half_milliseconds_from_a_tenth_of_the_peak() -> None:
    """Eight samples a step; by hand: a tenth in step 3, 70 % in step 8."""
    steps = [0.02, 0.09, 0.05, 0.1, 0.3, 0.2, 0.6, 0.69, 0.7, 1.0, 0.5, *[0.1] * 30]
    sound = torch.zeros(1, 8 * len(steps))
    sound[0, 5::8] = (
        torch.tensor(steps) * torch.tensor([1.0, -1.0]).repeat(len(steps))[: len(steps)]
    )
    assert only(sound).original_rise_ms == pytest.approx(5 * 0.5)


def test_original_and_result_are_measured_each_by_its_own_peak() -> None:
    attack = only(click(before_ms=20, after_ms=110), 0.5 * ramp(10, before_ms=20))
    assert attack.original_rise_ms <= 0.5
    assert attack.rise_ms == pytest.approx(6, abs=0.5)


@pytest.mark.parametrize(("share", "power_db"), [(0.05, -26.02), (0.01, -40)])
def test_pre_ring_is_the_energy_of_the_20_ms_before_over_that_of_the_original(
    share: float, power_db: float
) -> None:
    original, result = click(before_ms=50), click(before_ms=50)
    result[:, 45 * MS : 50 * MS] = 0.9 * share * (-1.0) ** torch.arange(5 * MS)  # 5 ms of ring
    floor, ring = 1e-8, share**2 * 5 / 20  # in squares of the peak; the floor is 80 dB below it
    expected = 10 * math.log10((ring + floor) / floor)
    assert expected == pytest.approx(80 + power_db - 6.02, abs=0.01)
    assert only(original, result).pre_ring_db == pytest.approx(expected, abs=0.01)
    original[:, 30 * MS : 50 * MS] = 0.0009  # now with noise 60 dB below the peak
    expected = 10 * math.log10((ring + floor) / (1e-6 + floor))
    assert only(original, result).pre_ring_db == pytest.approx(expected, abs=0.01)
    assert only(original).pre_ring_db == 0


def test_a_sound_that_begins_earlier_does_not_ring() -> None:
    early = torch.cat([click(before_ms=45), silence(5)], dim=1)
    assert only(click(before_ms=50), early).pre_ring_db == 0


def test_a_ring_that_is_loud_makes_the_rise_longer() -> None:
    original, result = click(before_ms=50), click(before_ms=50)
    result[:, 45 * MS : 50 * MS] = 0.2 * 0.9
    assert only(original, result).rise_ms == pytest.approx(5, abs=0.5)


def test_without_sound_before_it_an_onset_has_no_pre_ring() -> None:
    for before_ms, has_one in ((0, False), (4, False), (6, True), (40, True)):
        assert (only(click(before_ms=before_ms)).pre_ring_db is not None) == has_one


def test_the_first_channel_that_rises_counts() -> None:
    late, early = click(before_ms=30, after_ms=70), ramp(10, before_ms=10, after_ms=80)
    stereo = torch.cat([late, early])
    assert only(stereo).original_rise_ms == only(early).original_rise_ms
    assert only(torch.cat([late, late])) == only(late)
    opposite = torch.cat([late, -late])
    assert only(opposite).original_rise_ms <= 0.5


def test_only_what_has_risen_in_50_ms_of_its_beginning_is_a_hit() -> None:
    assert attacks_of(click(before_ms=49))
    assert not attacks_of(click(before_ms=51))
    assert not attacks_of(ramp(80))


def test_later_onsets_count_where_it_was_calm_before() -> None:
    hit = click(after_ms=200)
    loop = torch.cat([hit, 0.5 * hit, 0.02 * hit, hit], dim=1)
    attacks = attacks_of(loop)
    assert len(attacks) == 3, "what is under a tenth of the loudest does not count"
    assert all(each.original_rise_ms <= 0.5 for each in attacks)
    assert not attacks_of(torch.cat([click(before_ms=60), hit], dim=1))[1:]
    dense = torch.cat([hit[:, : 40 * MS]] * 6, dim=1)
    assert len(attacks_of(dense)) == 1, "nothing is calm"


def test_a_later_onset_that_comes_back_soft_is_seen() -> None:
    hit = click(after_ms=200)
    original = torch.cat([hit, silence(10), hit], dim=1)
    soft = torch.cat([hit, ramp(10, after_ms=0), hit], dim=1)
    first, later = attacks_of(original, soft)
    assert (first.rise_ms, first.pre_ring_db) == (first.original_rise_ms, None)
    assert later.original_rise_ms <= 0.5
    assert later.rise_ms == pytest.approx(6, abs=0.5)
    assert later.pre_ring_db is not None
    assert later.pre_ring_db > 30


def test_silence_and_sounds_of_a_few_samples_have_none() -> None:
    for sound in (silence(100), 0.0005 * click(), click(after_ms=9), torch.zeros(2, 0)):
        assert attacks_of(sound) == []
        assert measure_attacks(sound, sound, rate_hz=RATE_HZ) is None
    assert Attacks.of([]) is None


@pytest.mark.parametrize("value", [0.0, math.nan, math.inf])
def test_a_result_that_is_silent_or_broken_counts_as_the_slowest(value: float) -> None:
    original = click(before_ms=30)
    attacks = measure_attacks(original, torch.full_like(original, value), rate_hz=RATE_HZ)
    assert attacks is not None
    assert attacks.rise_ms == 50
    assert all(math.isfinite(each) for each in attacks.figures.values())
    assert measure_attacks(torch.full_like(original, math.nan), original, rate_hz=RATE_HZ) is None


def test_an_envelope_is_the_same_however_the_sound_is_cut() -> None:
    sound = torch.randn(2, 4_321, generator=torch.Generator().manual_seed(0))
    whole = envelope_of(sound, 44_100)
    assert len(whole.peaks) == -(-4_321 // 22)
    for size in (9, 22, 1000):
        meter = EnvelopeMeter(44_100)
        taken = list(meter.measure(sound.split(size, dim=1)))
        assert torch.equal(torch.cat(taken, dim=1), sound)
        assert torch.equal(meter.envelope().peaks, whole.peaks)
        torch.testing.assert_close(meter.envelope().powers, whole.powers)


def test_several_are_told_by_medians_and_shares() -> None:
    attacks = Attacks.of([Attack(1, 0.5, None), Attack(3, 1, 20), Attack(9, 4, 10)])
    assert attacks == Attacks(3, 1, pytest.approx(1 / 3), pytest.approx(2 / 3), 15, 3)
    assert attacks.figures == {"rise_ms": 3, "original_rise_ms": 1, "pre_ring_db": 15}
