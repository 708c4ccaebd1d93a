"""split → loaders: whole batches that move, validation that does not, a place to go on from."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from distill.data.collection import Sound
from distill.data.datamodule import ResumableLoader, SoundDataModule
from distill.data.split import Piece, Split
from tests.helpers.segments import data_config


@pytest.fixture
def make_data(cached_sound: Callable[..., Sound]) -> Callable[..., SoundDataModule]:
    """Seven training and three validation segments of 100 samples, and a trainer at its start."""

    def make(
        *, rank: int = 0, ranks: int = 1, seed: int = 0, **settings: int | None
    ) -> SoundDataModule:
        train = cached_sound(np.arange(1, 651, dtype=np.float32), content="train")
        val = cached_sound(-np.arange(1, 261, dtype=np.float32), content="val")
        split = Split((Piece(train, 0, 650),), (Piece(val, 0, 260),))
        data = SoundDataModule(split, data_config(**settings), sample_rate_hz=1_000, seed=seed)
        data.trainer = trainer_at(epoch=0, batches=0, rank=rank, ranks=ranks)
        return data

    return make


def trainer_at(*, epoch: int, batches: int, rank: int = 0, ranks: int = 1) -> Any:
    """What a loader asks of Lightning's trainer."""
    epochs = SimpleNamespace(current=SimpleNamespace(processed=epoch))
    steps = SimpleNamespace(current=SimpleNamespace(ready=batches))
    loop = SimpleNamespace(epoch_progress=epochs, epoch_loop=SimpleNamespace(batch_progress=steps))
    return SimpleNamespace(fit_loop=loop, global_rank=rank, world_size=ranks)


def batches(loader: Any, *, epoch: int | None = None) -> list[dict[str, torch.Tensor]]:
    if epoch is not None:
        loader.sampler.set_epoch(epoch)
    return list(loader)


def equal(first: list[dict[str, torch.Tensor]], second: list[dict[str, torch.Tensor]]) -> bool:
    return len(first) == len(second) and all(
        a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)
        for a, b in zip(first, second, strict=True)
    )


def test_training_batches_are_whole(make_data: Callable[..., SoundDataModule]) -> None:
    loader = make_data().train_dataloader()
    drawn = batches(loader)
    assert len(drawn) == len(loader) == 3
    for batch in drawn:
        assert batch["waveform"].shape == (4, 1, 100)
        for key in ("sound_begin", "sound_end", "shift_bins"):
            assert batch[key].shape == (4,)


@pytest.mark.parametrize(("asked", "steps"), [(4, 1), (5, 2), (12, 3), (None, 1_536 // 4)])
def test_an_epoch_has_as_many_segments_as_asked(
    make_data: Callable[..., SoundDataModule], asked: int | None, steps: int
) -> None:
    """In whole steps; seven are there."""
    assert len(make_data(epoch_segments=asked).train_dataloader()) == steps


def test_training_epochs_differ_and_repeat_by_seed(
    make_data: Callable[..., SoundDataModule],
) -> None:
    loader = make_data().train_dataloader()
    assert not equal(batches(loader, epoch=0), batches(loader, epoch=1))
    again = make_data().train_dataloader()
    assert equal(batches(loader, epoch=1), batches(again, epoch=1))
    other = make_data(seed=1).train_dataloader()
    assert not equal(batches(loader, epoch=1), batches(other, epoch=1))


def test_validation_is_the_same_every_time(make_data: Callable[..., SoundDataModule]) -> None:
    data = make_data()
    first = batches(data.val_dataloader())
    batches(data.train_dataloader(), epoch=2)
    assert equal(first, batches(data.val_dataloader()))
    assert equal(first, batches(make_data(seed=5).val_dataloader()))
    joined = torch.cat([batch["waveform"] for batch in first])
    np.testing.assert_array_equal(joined.flatten()[:260].numpy(), -np.arange(1, 261))


def test_workers_give_the_same_batches(make_data: Callable[..., SoundDataModule]) -> None:
    alone = batches(make_data().train_dataloader(), epoch=1)
    assert equal(alone, batches(make_data(workers=2).train_dataloader(), epoch=1))


def test_fixed_training_segments_stay_the_same_and_are_spread(
    make_data: Callable[..., SoundDataModule],
) -> None:
    data = make_data()
    (chosen,) = batches(data.fixed_train_loader(3))
    every = torch.cat([batch["waveform"] for batch in batches(data.fixed_train_loader(999))])
    assert len(every) == 7
    assert torch.equal(chosen["waveform"], every[[0, 2, 4]])
    assert not chosen["shift_bins"].any()
    batches(data.train_dataloader(), epoch=2)
    assert equal([chosen], batches(data.fixed_train_loader(3)))
    assert equal([chosen], batches(make_data(seed=5).fixed_train_loader(3)))
    sounding = every[every != 0]
    assert set(sounding.tolist()) <= set(range(1, 651)), "neither louder nor softer"
    assert sounding.min() <= 100
    assert sounding.max() > 550


def test_ranks_share_the_segments(make_data: Callable[..., SoundDataModule]) -> None:
    parts = [batches(make_data(rank=rank, ranks=2).train_dataloader()) for rank in (0, 1)]
    assert len(parts[0]) == len(parts[1])
    assert not equal(*parts)


@pytest.mark.parametrize("done", [0, 1, 2])
def test_saved_loader_goes_on_behind_the_batches_done(
    make_data: Callable[..., SoundDataModule], done: int
) -> None:
    data = make_data()
    whole = batches(data.train_dataloader(), epoch=4)
    data.trainer = trainer_at(epoch=4, batches=done)
    state = data.train_dataloader().state_dict()
    resumed: ResumableLoader = make_data().train_dataloader()
    resumed.load_state_dict(state)
    assert equal(batches(resumed), whole[done:])
    assert equal(batches(resumed), whole), "only once"


def test_loader_saved_at_an_epochs_end_starts_the_next_one_whole(
    make_data: Callable[..., SoundDataModule],
) -> None:
    loader = make_data().train_dataloader()
    loader.load_state_dict({"epoch": 4, "batches": 3})
    assert len(batches(loader, epoch=5)) == 3


def test_of_hours_of_held_out_sound_a_part_is_measured(
    make_data: Callable[..., SoundDataModule], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = make_data()
    whole = batches(data.val_dataloader())
    monkeypatch.setattr("distill.data.datamodule.MOST_MEASURED", 2)
    part = batches(data.val_dataloader())
    count = sum(len(batch["waveform"]) for batch in part)
    assert count == 2 < sum(len(batch["waveform"]) for batch in whole)
