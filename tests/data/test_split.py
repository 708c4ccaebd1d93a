"""sounds → two sides that share nothing and stay put when files are added."""

from __future__ import annotations

from pathlib import Path

import pytest

from distill.data.collection import Sound
from distill.data.split import Sides, Split, split_sounds


def sound(name: object, samples: int = 1_000) -> Sound:
    return Sound(f"{name}.wav", f"content {name}", samples, 1.0, 16_000, 1, Path("x"), b"\x01")


def split(sounds: list[Sound], *, seed: int = 0, val_fraction: float = 0.1) -> Split:
    return split_sounds(sounds, val_fraction=val_fraction, seed=seed, segment_samples=100)


def contents(pieces: object) -> set[str]:
    return {piece.sound.content for piece in pieces}  # type: ignore[attr-defined]


@pytest.mark.parametrize("count", [2, 3, 10, 200])
@pytest.mark.parametrize("fraction", [0.001, 0.1, 0.5])
def test_every_sound_is_whole_on_exactly_one_side(count: int, fraction: float) -> None:
    sounds = [sound(number) for number in range(count)]
    for seed in range(20):
        sides = split(sounds, seed=seed, val_fraction=fraction)
        assert sides.train
        assert sides.val
        assert contents(sides.train) | contents(sides.val) == {s.content for s in sounds}
        assert len(sides.train) + len(sides.val) == count
        assert all((p.start, p.stop) == (0, 1_000) for p in sides.train + sides.val)


def test_adding_a_file_moves_no_other() -> None:
    """But for the one file that keeps a side from being empty, which the note then tells of."""
    for seed in range(60):
        sounds = [sound(f"{seed} {number}") for number in range(2)]
        before = split(sounds, seed=seed)
        for number in range(2, 40):
            sounds.insert(number * 7 % len(sounds), sound(f"{seed} {number}"))
            after = split(sounds, seed=seed)
            moved = (contents(before.train) & contents(after.val)) | (
                contents(before.val) & contents(after.train)
            )
            assert len(moved) <= bool(before.note or after.note)
            before = after


def test_most_collections_need_no_file_moved() -> None:
    notes = [
        split([sound(f"{seed} {n}") for n in range(100)], seed=seed).note for seed in range(50)
    ]
    assert notes == [""] * 50


def test_note_tells_of_a_file_moved() -> None:
    notes = {split([sound(f"{seed} {n}") for n in range(2)], seed=seed).note for seed in range(50)}
    assert len(notes) == 2
    assert any("one file was moved" in note for note in notes)


def test_order_and_names_do_not_matter() -> None:
    sounds = [sound(number) for number in range(30)]
    renamed = [Sound("b" + s.path, s.content, 1_000, 1.0, 8_000, 2, Path("y"), b"") for s in sounds]
    assert contents(split(sounds).val) == contents(split(renamed[::-1]).val)


def test_seed_decides() -> None:
    sounds = [sound(number) for number in range(50)]
    assert split(sounds, seed=3) == split(sounds, seed=3)
    assert len({frozenset(contents(split(sounds, seed=seed).val)) for seed in range(20)}) == 20


@pytest.mark.parametrize("fraction", [0.05, 0.1, 0.3, 0.5])
def test_share_held_out_is_about_the_fraction(fraction: float) -> None:
    sides = split([sound(number) for number in range(2_000)], val_fraction=fraction)
    assert len(sides.val) / 2_000 == pytest.approx(fraction, abs=0.03)


def test_larger_fraction_holds_out_the_same_files_and_more() -> None:
    sounds = [sound(number) for number in range(200)]
    held_out = [contents(split(sounds, val_fraction=f).val) for f in (0.1, 0.2, 0.4)]
    assert held_out[0] < held_out[1] < held_out[2]


@pytest.mark.parametrize("samples", [50, 99, 100, 101, 350, 1_000, 100_000])
@pytest.mark.parametrize("fraction", [0.01, 0.1, 0.5])
def test_single_sound_is_cut_with_a_gap(samples: int, fraction: float) -> None:
    sides = split([sound("only", samples)], val_fraction=fraction)
    (train,), (val,) = sides.train, sides.val
    assert train.start == 0
    assert val.stop == samples
    assert train.start < train.stop < val.start < val.stop
    assert val.start - train.stop >= min(100, samples // 5)
    assert train.stop > samples / 2, "most of it is trained on"
    assert "single file" in sides.note
    assert "gap" in sides.note


def test_sounds_keep_the_sides_that_they_had_as_a_collection_grows() -> None:
    """Even the one that was moved, from what a model says of its sounds alone."""
    for seed in range(60):
        sounds = [sound(f"{seed} {number}") for number in range(2)]
        before = split(sounds, seed=seed)
        for number in range(2, 40):
            sounds.append(sound(f"{seed} {number}"))
            named = Sides.of(before.exceptions.plain())
            rule = {"val_fraction": 0.1, "seed": seed, "segment_samples": 100}
            after = split_sounds(sounds, before=named, **rule)  # type: ignore[arg-type]
            assert contents(before.train) <= contents(after.train)
            assert contents(before.val) <= contents(after.val)
            before = after


def test_a_sound_that_was_cut_stays_cut_among_others() -> None:
    alone = split([sound("a", 10_000)])
    grown = [sound("a", 10_000), *(sound(number) for number in range(30))]
    after = split_sounds(
        grown, val_fraction=0.1, seed=0, segment_samples=100, before=alone.exceptions
    )
    assert set(alone.train) <= set(after.train)
    assert set(alone.val) <= set(after.val)


def test_a_new_sound_is_held_out_rather_than_one_that_was_trained_on() -> None:
    sounds = [sound(number) for number in range(6)]
    known = frozenset(f"content {number}" for number in range(5))
    rule = {"val_fraction": 1e-9, "seed": 0, "segment_samples": 100}
    sides = split_sounds(sounds, before=Sides(trained=known), **rule)  # type: ignore[arg-type]
    assert contents(sides.val) == {"content 5"}
    rest = split_sounds(sounds[:5], before=Sides(trained=known), **rule)  # type: ignore[arg-type]
    assert "was trained on it" in rest.note
