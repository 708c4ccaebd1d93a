"""held-out sounds → their beginnings, by which onsets are measured."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from distill.data.beginnings import SAMPLES_BEFORE, cut_beginning
from distill.data.collection import Sound
from distill.data.datamodule import SoundDataModule
from distill.data.split import Piece, Split
from tests.helpers.segments import data_config


def burst(value: float, *, silence: int, length: int = 400) -> np.ndarray:
    """A sound of one value behind digital silence, (silence + length,)."""
    return np.concatenate([np.zeros(silence), np.full(length, value)]).astype(np.float32)


@pytest.mark.parametrize("silence", [0, 10, SAMPLES_BEFORE, 1_000])
def test_the_silence_before_a_sound_is_cut(silence: int) -> None:
    beginning = cut_beginning(burst(0.5, silence=silence), samples=300)
    assert beginning is not None
    before = min(silence, SAMPLES_BEFORE)
    assert beginning.shape == (300,)
    assert not beginning[:before].any()
    assert (beginning[before:] == 0.5).all()


def test_noise_far_below_the_sound_is_silence_before_it() -> None:
    waveform = burst(0.5, silence=500)
    waveform[:500] = 0.005
    beginning = cut_beginning(waveform, samples=300)
    assert beginning is not None
    assert int((beginning == 0.5).nonzero()[0]) == SAMPLES_BEFORE


def test_a_short_sound_is_followed_by_silence() -> None:
    beginning = cut_beginning(burst(0.5, silence=0, length=7), samples=20)
    assert beginning is not None
    assert beginning.tolist() == [0.5] * 7 + [0.0] * 13


def test_what_cannot_be_heard_has_no_beginning() -> None:
    assert cut_beginning(burst(0.0005, silence=5), samples=20) is None
    assert cut_beginning(np.zeros(0, np.float32), samples=20) is None


@pytest.fixture
def make_data(cached_sound: Callable[..., Sound]) -> Callable[..., SoundDataModule]:
    """Held-out sounds, of which sample t of number n is n + 1 from its own place on; the
    last is silent.
    """

    def make(sounds: int) -> SoundDataModule:
        waveforms = [burst(number + 1, silence=37 * number) for number in range(sounds)]
        waveforms.append(burst(0, silence=0))
        pieces = [
            Piece(cached_sound(waveform, content=str(number)), 0, len(waveform))
            for number, waveform in enumerate(waveforms)
        ]
        split = Split((pieces[0],), tuple(pieces))
        return SoundDataModule(split, data_config(), sample_rate_hz=1_000, seed=0)

    return make


def heard(beginnings: list[torch.Tensor]) -> list[int]:
    """Numbers of the sounds."""
    return [int(beginning.max()) - 1 for beginning in beginnings]


def test_each_audible_sound_begins_once(make_data: Callable[..., SoundDataModule]) -> None:
    found = make_data(9).held_out_beginnings(100, samples=150)
    assert heard(found) == list(range(9))
    assert all(int(beginning.argmax()) <= SAMPLES_BEFORE for beginning in found)


def test_of_many_sounds_a_few_are_spread_evenly(make_data: Callable[..., SoundDataModule]) -> None:
    assert heard(make_data(19).held_out_beginnings(5, samples=150)) == [0, 4, 8, 12, 16]


def test_ranks_share_the_sounds(make_data: Callable[..., SoundDataModule]) -> None:
    data = make_data(19)
    parts = [
        heard(data.held_out_beginnings(8, samples=150, rank=rank, ranks=3)) for rank in range(3)
    ]
    assert sorted(sum(parts, [])) == heard(data.held_out_beginnings(8, samples=150))


def test_the_held_out_end_of_a_single_sound_begins(cached_sound: Callable[..., Sound]) -> None:
    sound = cached_sound(burst(1, silence=0, length=1_000))
    split = Split((Piece(sound, 0, 700),), (Piece(sound, 800, 1_000),))
    data = SoundDataModule(split, data_config(), sample_rate_hz=1_000, seed=0)
    (beginning,) = data.held_out_beginnings(100, samples=150)
    assert (beginning == 1).all()
