"""Whole sounds of a side, from files and from shards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from distill.data.collection import Sound
from distill.data.segments import Segments
from distill.data.split import Piece
from distill.data.whole_sounds import PieceSounds, SegmentSounds
from distill.settings.compose import load_config


def test_a_piece_is_read_in_any_part_with_silence_around(
    cached_sound: Callable[..., Sound],
) -> None:
    samples = np.arange(1, 101, dtype=np.float32)
    sounds = PieceSounds([Piece(cached_sound(samples), 10, 90)], {"content.wav": "kicks"})
    assert sounds.class_name(0) == "kicks"
    assert (len(sounds), sounds.samples(0)) == (1, 80)
    assert torch.equal(sounds.read(0, 0, 80), torch.from_numpy(samples[10:90]))
    assert sounds.read(0, -2, 5).tolist() == [0, 0, 11, 12, 13]
    assert sounds.read(0, 78, 4).tolist() == [89, 90, 0, 0]
    assert sounds.read(0, 200, 3).tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("path", "of", "name"),
    [
        ("/in/Kicks/wav/a.wav", "kicks", "Kicks/wav/a.wav"),
        ("/in/kicks/a.wav", "kicks", "kicks/a.wav"),
        ("a.wav", "", "a.wav"),
    ],
)
def test_a_sound_is_named_from_the_folder_of_its_class_on(
    cached_sound: Callable[..., Sound], path: str, of: str, name: str
) -> None:
    sound = replace(cached_sound(np.ones(10)), path=path)
    assert PieceSounds([Piece(sound, 0, 10)], {path: of}).name(0) == name


def test_a_segment_is_a_sound_from_its_beginning(cached_sound: Callable[..., Sound]) -> None:
    samples = np.linspace(0.1, 1, 1_500, dtype=np.float32)
    segments = Segments(
        [Piece(cached_sound(samples), 0, 1_500)],
        held_out=True,
        segment_samples=1_000,
        sample_rate_hz=1_000,
        seed=0,
        augment=load_config([]).data.augment,
    )
    sounds = SegmentSounds(segments)
    assert len(sounds) == len(segments) == 2
    assert sounds.samples(1) == 1_000
    second = sounds.read(1, 0, 1_000)
    assert torch.equal(second[:500], torch.from_numpy(samples[1_000:]))
    assert not second[500:].any()
    assert sounds.read(1, -1, 2).tolist() == [0, second[0]]
