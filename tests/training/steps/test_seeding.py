"""a step's number → its random state, the same each time, and nothing kept of it."""

from __future__ import annotations

import gc
from collections.abc import Callable

import pytest
import torch

from distill.training.steps.seeding import seed_generators


def test_a_seed_repeats_what_is_drawn() -> None:
    seed_generators(5, torch.device("cpu"))
    first = torch.rand(4)
    seed_generators(6, torch.device("cpu"))
    other = torch.rand(4)
    seed_generators(5, torch.device("cpu"))
    assert torch.equal(torch.rand(4), first)
    assert not torch.equal(other, first)


def left_by(seed: Callable[[int], object]) -> int:
    """How many objects 1,000 calls leave behind."""
    gc.collect()
    before = len(gc.get_objects())
    for number in range(1_000):
        seed(number)
    gc.collect()
    return len(gc.get_objects()) - before


@pytest.mark.slow
def test_seeding_each_step_of_a_long_run_keeps_nothing() -> None:
    """Neither of the seeds nor, for a GPU that may come, of the calls."""
    kept: list[object] = []
    assert left_by(lambda seed: kept.append([seed])) > 500, "a note of each call would be noticed"
    assert left_by(lambda seed: seed_generators(seed, torch.device("cpu"))) < 500
