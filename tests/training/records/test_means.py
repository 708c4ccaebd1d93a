"""Figures of batches → their means over an epoch."""

from __future__ import annotations

import json
import math

import pytest
import torch
from torch import Tensor

from distill.training.records.means import LoudnessList, MelErrorMean, TermMeans

TERMS = ("reconstruction", "commitment")


def terms(reconstruction: float, commitment: float) -> dict[str, Tensor]:
    values = torch.tensor([float(reconstruction), float(commitment)], requires_grad=True)
    return dict(zip(TERMS, values, strict=True))


def test_mean_is_weighted_by_batch_size_and_starts_anew() -> None:
    mean = TermMeans(TERMS)
    mean.add(terms(1, 4), 3)
    mean.add(terms(5, 0), 1)
    assert mean.take() == pytest.approx({"reconstruction": 2, "commitment": 3})
    mean.add(terms(7, 0), 2)
    assert mean.take() == pytest.approx({"reconstruction": 7, "commitment": 0})


def test_mean_of_nothing_is_not_a_number() -> None:
    means = TermMeans(TERMS).take()
    assert set(means) == set(TERMS)
    assert all(math.isnan(value) for value in means.values())


def test_mean_survives_a_checkpoint_exactly() -> None:
    generator = torch.Generator().manual_seed(0)
    values = torch.rand(40, 2, generator=generator).tolist()
    whole, first, second = TermMeans(TERMS), TermMeans(TERMS), TermMeans(TERMS)
    for pair in values:
        whole.add(terms(*pair), 4)
    for pair in values[:17]:
        first.add(terms(*pair), 4)
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))  # plain values only
    for pair in values[17:]:
        second.add(terms(*pair), 4)
    assert second.take() == whole.take()


def test_many_small_losses_are_not_lost_beside_a_large_sum() -> None:
    mean = TermMeans(TERMS)
    mean.add(terms(2.0**25, 0), 1)
    for _ in range(64):
        mean.add(terms(1, 0), 1)
    assert mean.take()["reconstruction"] == (2.0**25 + 64) / 65


def test_levels_are_those_of_all_ranks() -> None:
    original = torch.zeros(5, 1, 4, 3)
    changes = torch.tensor([-4.0, 2.0, 0.0, -1.0, 50.0])
    sounding = torch.tensor([[True] * 3] * 4 + [[False] * 3])
    lists = [LoudnessList() for _ in range(3)]
    for rank, share in enumerate(([0], [1, 2, 3, 4], [])):
        decoded = original[share] + changes[share, None, None, None]
        lists[rank].add(original[share], decoded, sounding[share])
    alone = LoudnessList()
    alone.levels_db = [level for each in lists for level in each.levels_db]
    counts = torch.tensor([len(each.levels_db) for each in lists])
    every = torch.tensor(alone.levels_db, dtype=torch.float64)

    for rank, each in enumerate(lists):
        parts: list[torch.Tensor] = []

        def over_ranks(values: torch.Tensor, parts: list[torch.Tensor] = parts) -> torch.Tensor:
            parts.append(values)
            return counts if len(parts) == 1 else every

        levels = each.take(over_ranks, rank=rank, ranks=3)
        assert levels is not None
        assert levels.median_db == pytest.approx(-0.5, abs=1e-3)
        own = parts[1].nonzero().flatten().tolist()
        assert all(parts[1][place] == every[place] for place in own)
    assert alone.take() == levels
    assert alone.take() is None


def test_mel_error_counts_sounding_frames_only() -> None:
    original, decoded = torch.zeros(2, 1, 4, 3), torch.zeros(2, 1, 4, 3)
    decoded[0, ..., 0] = 2
    decoded[0, ..., 1] = -4
    decoded[:, ..., 2] = 1000  # padding
    decoded[1, ..., 1] = 1000  # padding
    sounding = torch.tensor([[True, True, False], [True, False, False]])
    error = MelErrorMean()
    error.add(original, decoded, sounding)
    assert error.take() == pytest.approx(2)  # (2 + 4 + 0) / 3
    assert math.isnan(error.take())


def test_mel_error_weighs_frames_alike_over_batches() -> None:
    error = MelErrorMean()
    error.add(torch.zeros(1, 1, 4, 3), torch.ones(1, 1, 4, 3), torch.ones(1, 3, dtype=torch.bool))
    error.add(torch.zeros(1, 1, 4, 1), 5 * torch.ones(1, 1, 4, 1), torch.tensor([[True]]))
    assert error.take() == pytest.approx(2)
