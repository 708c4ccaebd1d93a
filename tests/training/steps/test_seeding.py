"""a step's number → its random state, the same each time, and nothing kept of it."""

from __future__ import annotations

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


def test_seeding_each_step_of_a_long_run_keeps_nothing() -> None:
    """torch.manual_seed keeps a note of every call for a GPU that may come."""
    before = len(torch.cuda._queued_calls)
    for seed in range(50):
        seed_generators(seed, torch.device("cpu"))
    assert len(torch.cuda._queued_calls) == before
