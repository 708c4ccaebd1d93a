"""Beginnings and ends of sounds in segments: anywhere in training, at fixed places held out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from distill.data.segments import Draw
from distill.data.split import Piece
from distill.settings.schema import AugmentConfig
from tests.helpers.segments import LENGTH, OFF, ON, Make, ramp, same, segments_of, sound_of, whole


def leads_of(items: Any, indices: Iterable[Any]) -> list[int]:
    """Where the sounds begin in segments whose sounds are ramps; checks that silence comes
    before.
    """
    leads = []
    for index in indices:
        item = items[index]
        lead = item["sound_begin"]
        assert not sound_of(item)[:lead].any()
        assert sound_of(item)[lead] != 0
        leads.append(lead)
    return leads


def shares_of_fifths(places: Iterable[int]) -> list[float]:
    """The share of places in each fifth of the segment."""
    counts = np.histogram(list(places), bins=5, range=(0, LENGTH))[0]
    return list(counts / counts.sum())


@pytest.mark.parametrize("samples", [30, 100, 101, 1_000])
@pytest.mark.parametrize("augment", [OFF, ON], ids=["plain", "augmented"])
def test_training_shows_a_beginning_anywhere_in_a_segment(
    cached_sound: Make, samples: int, augment: AugmentConfig
) -> None:
    items = segments_of(whole(cached_sound(ramp(samples))), augment=augment)
    leads = leads_of(items, [Draw(0, lap) for lap in range(2_000)])
    assert min(shares_of_fifths(leads)) > 0.02
    assert min(leads) == 0
    assert max(leads) >= 98
    assert 1_000 < sum(lead == 0 for lead in leads) < 1_200, "half begin at once, as files do"


def test_training_shows_an_end_anywhere_in_a_segment(cached_sound: Make) -> None:
    items = segments_of(whole(cached_sound(ramp(1_000))))
    ends = [items[Draw(9, lap)]["sound_end"] for lap in range(2_000)]
    assert min(shares_of_fifths(ends)) > 0.07
    assert {min(ends), max(ends)} == {1, 100}


def test_inner_segments_have_no_silence_that_the_sound_does_not_have(cached_sound: Make) -> None:
    items = segments_of(whole(cached_sound(ramp(1_000))))
    for index in range(1, 9):
        for lap in range(100):
            assert sound_of(items[Draw(index, lap)]).all()


def test_most_draws_of_a_short_sound_hold_all_of_it(cached_sound: Make) -> None:
    items = segments_of(whole(cached_sound(ramp(37))))
    drawn = [sound_of(items[Draw(0, lap)]) for lap in range(1_000)]
    assert all(samples[samples != 0][0] == 1 for samples in drawn)
    assert sum(np.count_nonzero(samples) == 37 for samples in drawn) > 750


@pytest.mark.parametrize("samples", [20, 90, 100, 101, 770])
def test_held_out_beginnings_are_spread_and_no_sample_is_lost(
    cached_sound: Make, samples: int
) -> None:
    count = 12
    pieces = [whole(cached_sound(ramp(samples), content=str(n))) for n in range(count)]
    items = segments_of(*pieces, held_out=True)
    firsts = [int(np.argmax(items.piece_of == number)) for number in range(count)]
    assert min(shares_of_fifths(leads_of(items, firsts))) > 0.1
    parts: list[list[float]] = [[] for _ in pieces]
    for index in range(len(items)):
        item = items[index]
        sound = sound_of(item)[item["sound_begin"] : item["sound_end"]]
        assert not sound_of(item)[item["sound_end"] :].any()
        parts[items.piece_of[index]] += sound.tolist()
    assert all(part == ramp(samples).tolist() for part in parts)
    assert items.sounding_samples() == count * samples


def test_held_out_beginnings_stay_where_they_are_as_sounds_come_after(cached_sound: Make) -> None:
    pieces = [whole(cached_sound(ramp(250), content=str(n))) for n in range(5)]
    few, more = (segments_of(*some, held_out=True) for some in (pieces[:3], pieces))
    assert len(few) < len(more)
    assert all(same(few[index], more[index]) for index in range(len(few)))


def test_a_piece_from_the_middle_of_a_sound_gets_no_silence_before_it(cached_sound: Make) -> None:
    sound = cached_sound(ramp(1_000))
    items = segments_of(
        whole(cached_sound(ramp(50), content="b")), Piece(sound, 300, 620), held_out=True
    )
    assert sound_of(items[1]).tolist() == list(range(301, 401))


def test_fixed_training_segments_begin_anywhere_too(cached_sound: Make) -> None:
    pieces = [whole(cached_sound(ramp(30), content=str(n))) for n in range(300)]
    items = segments_of(*pieces, augment=ON)
    assert min(shares_of_fifths(leads_of(items, range(300)))) > 0.01
