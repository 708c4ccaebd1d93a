"""losses of steps → one number an epoch."""

from __future__ import annotations

import json
import math
from dataclasses import asdict

import pytest
import torch

from distill.bundle.format import HISTORY_KEYS
from distill.model.loss import Loss
from distill.training.history import LossHistory, LossMean, MelErrorMean


def loss(reconstruction: float, commitment: float) -> Loss:
    terms = torch.tensor([float(reconstruction), float(commitment)], requires_grad=True)
    return Loss(terms[0], terms[1], terms[0] + 0.25 * terms[1])


def test_mean_is_weighted_by_batch_size_and_starts_anew() -> None:
    mean = LossMean()
    mean.add(loss(1, 4), 3)
    mean.add(loss(5, 0), 1)
    assert mean.take() == pytest.approx({"total": 2.75, "reconstruction": 2, "commitment": 3})
    mean.add(loss(7, 0), 2)
    assert mean.take() == pytest.approx({"total": 7, "reconstruction": 7, "commitment": 0})


def test_mean_of_nothing_is_not_a_number() -> None:
    assert all(math.isnan(value) for value in LossMean().take().values())


def test_mean_survives_a_checkpoint_exactly() -> None:
    generator = torch.Generator().manual_seed(0)
    values = torch.rand(40, 2, generator=generator).tolist()
    whole, first, second = LossMean(), LossMean(), LossMean()
    for pair in values:
        whole.add(loss(*pair), 4)
    for pair in values[:17]:
        first.add(loss(*pair), 4)
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))  # plain values only
    for pair in values[17:]:
        second.add(loss(*pair), 4)
    assert second.take() == whole.take()


def test_many_small_losses_are_not_lost_beside_a_large_sum() -> None:
    mean = LossMean()
    mean.add(loss(2.0**25, 0), 1)
    for _ in range(64):
        mean.add(loss(1, 0), 1)
    assert mean.take()["reconstruction"] == (2.0**25 + 64) / 65


def history() -> LossHistory:
    made = LossHistory()
    for train, val, mel_db in ((3.0, 4.0, 9.0), (2.0, 3.0, 5.0), (1.0, 3.5, 6.0)):
        made.close_epoch(
            {"total": train, "reconstruction": train - 0.5, "commitment": 2.0},
            {"total": val, "reconstruction": 100.0, "commitment": 100.0},
            mel_db,
        )
    return made


def test_history_has_one_number_an_epoch_in_each_list() -> None:
    made = history()
    assert made.epochs == 3
    assert made.train_losses == [3, 2, 1]
    assert made.val_losses == [4, 3, 3.5]
    assert made.recon_losses == [2.5, 1.5, 0.5]
    assert made.commit_losses == [2, 2, 2]
    assert {len(values) for values in asdict(made).values()} == {3}


def test_history_holds_what_a_bundle_needs_and_comes_back() -> None:
    made = history()
    assert set(HISTORY_KEYS) <= set(asdict(made))
    assert LossHistory(**json.loads(json.dumps(asdict(made)))) == made


def test_best_epoch_has_the_lowest_held_out_mel_error() -> None:
    assert history().best_epoch == 1


def test_metrics_of_an_epoch() -> None:
    expected = {
        "train/loss": 2.0,
        "train/reconstruction": 1.5,
        "train/commitment": 2.0,
        "val/loss": 3.0,
        "val/mel_db": 5.0,
    }
    assert history().epoch_metrics(1) == expected
    assert history().epoch_metrics() == history().epoch_metrics(2)


def test_new_histories_share_nothing() -> None:
    history()
    assert LossHistory().epochs == 0


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
