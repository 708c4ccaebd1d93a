"""pieces → segments: fixed for validation, moving for training, the whole sound in reach."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from distill.data.segments import Draw, MovingDraws, shift_mel_bins
from distill.data.split import Piece
from distill.errors import SoundError
from tests.helpers.segments import LENGTH, ON, Make, ramp, same, segments_of, sound_of, whole


def test_fixed_segments_tile_the_sound_tail_included(cached_sound: Make) -> None:
    items = segments_of(whole(cached_sound(ramp(430))), held_out=True, augment=ON)
    assert len(items) == 5
    joined = np.concatenate([sound_of(items[index]) for index in range(5)])
    np.testing.assert_array_equal(joined[:430], ramp(430))
    assert not joined[430:].any()
    assert [items[index]["sound_end"] for index in range(5)] == [100, 100, 100, 100, 30]
    assert items.sounding_samples() == 430


def test_fixed_segments_are_the_same_every_time_whatever_the_seed(cached_sound: Make) -> None:
    piece = whole(cached_sound(ramp(430)))
    for held_out in (True, False):
        first, second = (
            segments_of(piece, held_out=held_out, augment=ON, seed=seed) for seed in (0, 9)
        )
        for index in range(5):
            _ = first[Draw(index, 3)]
            assert same(first[index], second[index])
            assert first[index]["shift_bins"] == 0


def test_short_sound_is_padded(cached_sound: Make) -> None:
    items = segments_of(whole(cached_sound(ramp(37))), held_out=True)
    assert len(items) == 1
    np.testing.assert_array_equal(sound_of(items[0])[:37], ramp(37))
    assert not sound_of(items[0])[37:].any()
    assert items[0]["sound_end"] == 37


def test_training_crops_move_from_lap_to_lap(cached_sound: Make) -> None:
    items = segments_of(whole(cached_sound(ramp(430))))
    starts = {int(sound_of(items[Draw(2, lap)])[0]) - 1 for lap in range(200)}
    assert len(starts) > 50
    assert min(starts) >= 150
    assert max(starts) <= 250


def test_every_sample_is_reachable(cached_sound: Make) -> None:
    """The tail that does not fill a segment included, and often unpadded where the sound is
    longer.
    """
    items = segments_of(whole(cached_sound(ramp(430))))
    seen: Counter[int] = Counter()
    full = 0
    for index in range(len(items)):
        for lap in range(100):
            item = items[Draw(index, lap)]
            sound = sound_of(item)[item["sound_begin"] : item["sound_end"]]
            seen.update(sound.astype(int).tolist())
            full += len(sound) == LENGTH
    assert seen.keys() == set(range(1, 431))
    assert 300 < full < 450


def test_crops_stay_inside_their_piece(cached_sound: Make) -> None:
    sound = cached_sound(ramp(1_000))
    items = segments_of(Piece(sound, 300, 620))
    for index in range(len(items)):
        for draw in [index, *(Draw(index, lap) for lap in range(100))]:
            samples = sound_of(items[draw])
            inside = samples[samples != 0]
            assert inside.min() >= 301
            assert inside.max() <= 620


def test_augmentation_off_leaves_samples_and_bins_alone(cached_sound: Make) -> None:
    items = segments_of(whole(cached_sound(ramp(430))), whole(cached_sound(ramp(37), content="b")))
    for index in range(len(items)):
        for lap in range(50):
            item = items[Draw(index, lap)]
            samples = sound_of(item)[item["sound_begin"] : item["sound_end"]]
            np.testing.assert_array_equal(samples, samples[0] + np.arange(len(samples)))
            assert item["shift_bins"] == 0


def test_augmentation_stays_within_its_limits_and_uses_them(cached_sound: Make) -> None:
    items = segments_of(whole(cached_sound(np.ones(430, np.float32))), augment=ON)
    gains, bins = [], set()
    for lap in range(400):
        item = items[Draw(1, lap)]
        gains.append(float(sound_of(item)[0]))
        np.testing.assert_allclose(sound_of(item), gains[-1])
        bins.add(item["shift_bins"])
    gain_db = 20 * np.log10(np.abs(gains))
    assert np.abs(gain_db).max() <= 6.0001
    assert gain_db.max() > 5
    assert gain_db.min() < -5
    assert 120 < sum(gain < 0 for gain in gains) < 280
    assert bins == {-2, -1, 0, 1, 2}


def test_draw_is_a_pure_function_of_seed_and_draw(cached_sound: Make) -> None:
    pieces = [whole(cached_sound(ramp(430))), whole(cached_sound(ramp(37), content="b"))]
    first, second = (segments_of(*pieces, augment=ON, seed=4) for _ in range(2))
    draws = [Draw(index, lap) for index in range(6) for lap in range(5)]
    forward = [first[draw] for draw in draws]
    backward = [second[draw] for draw in reversed(draws)][::-1]
    assert all(same(*pair) for pair in zip(forward, backward, strict=True))
    other = segments_of(*pieces, augment=ON, seed=5)
    assert sum(same(other[draw], item) for draw, item in zip(draws, forward, strict=True)) < 3


def test_cached_waveform_is_never_written(cached_sound: Make) -> None:
    sound = cached_sound(ramp(430))
    before = sound.waveform.read_bytes()
    items = segments_of(whole(sound), augment=ON)
    for lap in range(20):
        items[Draw(0, lap)]["waveform"].zero_()
    assert sound.waveform.read_bytes() == before


@pytest.mark.parametrize(("left", "reason"), [(100, "shorter than before"), (None, "No such file")])
def test_decoded_sound_that_is_spoiled_while_training_is_told_in_one_line(
    cached_sound: Make, left: int | None, reason: str
) -> None:
    sound = cached_sound(ramp(3000))
    segments = segments_of(whole(sound))
    path = Path(sound.waveform)
    if left is None:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(SoundError, match=f"{reason}.*resume=last") as caught:
        segments[0]
    assert "\n" not in str(caught.value)


def test_silent_stretches_are_passed_over(cached_sound: Make) -> None:
    samples = ramp(1_000)
    samples[200:700] = 0
    items = segments_of(whole(cached_sound(samples)), held_out=True)
    assert [int(sound_of(items[index])[0]) for index in range(len(items))] == [
        1,
        101,
        701,
        801,
        901,
    ]


def test_piece_without_any_sound_still_gives_one_segment(cached_sound: Make) -> None:
    samples = ramp(1_000)
    samples[500:] = 0
    items = segments_of(Piece(cached_sound(samples), 500, 1_000), held_out=True)
    assert len(items) == 1
    assert not sound_of(items[0]).any()


def test_pieces_keep_their_own_sounds(cached_sound: Make) -> None:
    pieces = [whole(cached_sound(np.full(150, n, np.float32), content=str(n))) for n in (1, 2, 3)]
    for held_out in (False, True):
        items = segments_of(*pieces, held_out=held_out)
        owners = [set(sound_of(items[index]).tolist()) - {0} for index in range(len(items))]
        counts = (2, 2, 2) if not held_out else (2, 3, 2)
        assert owners == [
            {n} for n, count in zip((1, 2, 3), counts, strict=True) for _ in range(count)
        ]


def draws_of(segments: int = 23, epoch: int = 0, skip: int = 0, **settings: int) -> list[Draw]:
    usual = {"draws": segments, "batch_size": 4, "seed": 0}
    sampler = MovingDraws(segments, **{**usual, **settings})
    sampler.set_epoch(epoch)
    sampler.skip = skip
    drawn = list(sampler)
    assert len(sampler) == len(drawn) + skip
    return drawn


@pytest.mark.parametrize("segments", [1, 3, 16, 23, 100])
@pytest.mark.parametrize("draws", [1, 10, 64])
@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_an_epoch_is_as_long_as_asked_in_whole_batches(
    segments: int, draws: int, ranks: int
) -> None:
    drawn = [draws_of(segments, draws=draws, rank=rank, ranks=ranks) for rank in range(ranks)]
    together = [draw for part in drawn for draw in part]
    assert all(len(part) % 4 == 0 for part in drawn)
    assert len({len(part) for part in drawn}) == 1
    assert draws <= len(together) < draws + 4 * ranks


@pytest.mark.parametrize(("segments", "draws"), [(23, 23), (23, 64), (5, 64), (1, 7), (23, 8)])
def test_every_segment_once_a_lap(segments: int, draws: int) -> None:
    drawn = [draw for epoch in range(4) for draw in draws_of(segments, epoch, draws=draws)]
    assert len(set(drawn)) == len(drawn)
    for start in range(0, len(drawn), segments):
        lap = drawn[start : start + segments]
        assert len({draw.lap for draw in lap}) == 1
        assert len({draw.index for draw in lap}) == len(lap)
        if len(lap) == segments:
            assert {draw.index for draw in lap} == set(range(segments))


def test_epochs_differ_in_order_and_never_repeat_a_lap() -> None:
    epochs = [draws_of(epoch=epoch, draws=64) for epoch in range(5)]
    assert len({draw for drawn in epochs for draw in drawn}) == sum(map(len, epochs))
    assert len({tuple(draw.index for draw in drawn) for drawn in epochs}) == 5
    assert draws_of(epoch=3) == draws_of(epoch=3)
    assert draws_of(seed=1) != draws_of(seed=2)


@pytest.mark.parametrize("ranks", [2, 3])
def test_ranks_are_disjoint_and_complete(ranks: int) -> None:
    parts = [draws_of(draws=64, rank=rank, ranks=ranks) for rank in range(ranks)]
    together = [draw for part in parts for draw in part]
    assert len(set(together)) == len(together)
    assert {draw.index for draw in together} == set(range(23))


@pytest.mark.parametrize("ranks", [1, 2])
def test_skip_continues_exactly_where_it_stopped(ranks: int) -> None:
    for skip in (0, 4, 12):
        full = draws_of(epoch=2, rank=ranks - 1, ranks=ranks)
        assert draws_of(epoch=2, skip=skip, rank=ranks - 1, ranks=ranks) == full[skip:]


def test_skip_counts_for_one_epoch_only() -> None:
    sampler = MovingDraws(23, draws=23, batch_size=4, seed=0)
    sampler.skip = 8
    first, second = list(sampler), list(sampler)
    assert len(first) == 16
    assert len(second) == 24
    assert second[8:] == first


def test_mel_bins_move_up_and_the_edge_is_repeated() -> None:
    mel = torch.arange(5.0).reshape(1, 1, 5, 1).repeat(3, 1, 1, 4)
    moved = shift_mel_bins(mel, torch.tensor([0, 2, -1]))
    assert torch.equal(moved[0], mel[0])
    assert moved[1, 0, :, 3].tolist() == [0, 0, 0, 1, 2]
    assert moved[2, 0, :, 0].tolist() == [1, 2, 3, 4, 4]
