"""The simplest models of codes, which a prior is compared with."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from distill.model.layout import NO_CODE, CodeLayout
from distill.training.prior.baseline import measure_baseline

CODES = 16


def random_sounds(count: int, seed: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(0, CODES, (3, 40, 2), generator=generator) for _ in range(count)]


def chains(count: int, seed: int) -> list[Tensor]:
    """In each row and level, a code is followed by the next one."""
    generator = torch.Generator().manual_seed(seed)
    starts = [torch.randint(0, CODES, (3, 1, 2), generator=generator) for _ in range(count)]
    return [(start + torch.arange(40)[None, :, None]) % CODES for start in starts]


def test_random_codes_need_all_their_bits_by_either() -> None:
    found = measure_baseline(random_sounds(40, 0), random_sounds(5, 1), CodeLayout(3, 2, CODES))
    nominal = 5 * 3 * 40 * 2 * math.log2(CODES)
    assert abs(found.unigram_bits / nominal - 1) < 0.02
    assert found.bigram_bits < 1.02 * found.unigram_bits, "a bigram of chance is mixed in little"


def test_what_follows_from_the_code_before_costs_a_bigram_little() -> None:
    found = measure_baseline(chains(40, 0), chains(5, 1), CodeLayout(3, 2, CODES))
    assert found.bigram_bits < 0.2 * found.unigram_bits


def test_frequencies_are_counted_by_row_and_level() -> None:
    sounds = [torch.zeros(3, 50, 2, dtype=torch.int16) for _ in range(4)]
    for sound in sounds:
        sound[1, :, 1] = 5
    found = measure_baseline(sounds, sounds[:1], CodeLayout(3, 2, CODES))
    assert found.frequency.shape == (3, 2, CODES)
    likely = found.frequency.exp()
    assert torch.allclose(likely.sum(dim=2), torch.ones(3, 2))
    assert likely[1, 1].argmax() == 5
    assert likely[1, 0].argmax() == 0
    assert found.bigram_bits <= found.unigram_bits < 20


def test_sounds_of_one_column_can_be_measured() -> None:
    single = [torch.zeros(3, 1, 2, dtype=torch.int16)]
    found = measure_baseline(single, single, CodeLayout(3, 2, CODES))
    assert math.isfinite(found.bigram_bits)


def test_levels_of_the_low_rows_cost_what_their_own_codes_cost() -> None:
    """Codes that are not there cost nothing, and a codebook of four has two bits a code."""
    layout = CodeLayout(3, 2, CODES, 1, 4)
    generator = torch.Generator().manual_seed(2)
    sounds = []
    for sound in random_sounds(45, 0):
        low = torch.full((3, 40, 1), NO_CODE)
        low[0] = torch.randint(4, (40, 1), generator=generator)
        sounds.append(torch.cat([sound, low], dim=2))
    found = measure_baseline(sounds[:40], sounds[40:], layout)
    nominal = 5 * 40 * (3 * 2 * math.log2(CODES) + 2)
    assert abs(found.unigram_bits / nominal - 1) < 0.02
    assert found.frequency.shape == (3, 3, CODES)
    assert torch.isclose(found.frequency[0, 2, :4].exp().sum(), torch.tensor(1.0))
