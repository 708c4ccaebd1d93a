"""Which pad is on which key, and which end each other."""

from __future__ import annotations

import pytest

from distill.kit.pads import choked, drum_of, in_order, velocities


@pytest.mark.parametrize(
    ("name", "drum"),
    [
        ("kick", "kick"),
        ("Kicks", "kick"),
        ("808bd", "kick"),
        ("Bass Drum 2", "kick"),
        ("sn", "snare"),
        ("hh27", "hat"),
        ("closed_hats", "hat"),
        ("hi-hat", "hat"),
        ("Open Hat", "open hat"),
        ("oh", "open hat"),
        ("hihat open", "open hat"),
        ("toms", "tom"),
        ("custom", ""),
        ("whatever", ""),
        ("sitar", ""),
        ("鼓", ""),
    ],
)
def test_a_drum_is_known_by_what_people_call_it(name: str, drum: str) -> None:
    assert drum_of(name) == drum


def test_drums_lie_as_in_a_drum_map_and_the_others_after_them() -> None:
    names = ["voice", "tom", "clap", "oh", "hh", "bass", "kick", "snare"]
    assert in_order(names) == ["kick", "snare", "hh", "oh", "clap", "tom", "bass", "voice"]


def test_only_closed_and_open_hats_end_each_other() -> None:
    assert choked(["kick", "hh", "oh", "clap"]) == {"hh", "oh"}
    assert choked(["kick", "hh", "hat2"]) == set()


def test_layers_share_all_velocities() -> None:
    assert velocities(1) == [(1, 127)]
    assert velocities(2) == [(65, 127), (1, 64)]
    for layers in (3, 4):
        spans = velocities(layers)
        assert sorted(v for low, high in spans for v in range(low, high + 1)) == [*range(1, 128)]
        assert spans == sorted(spans, reverse=True)
