"""What sounds are made of, changed as a sound designer would."""

from __future__ import annotations

import numpy as np
import pytest

from distill.generation.operators import (
    Mel,
    beginning,
    decay_faster,
    filter_by,
    hand_over,
    move,
    recolour,
    stretch,
    transpose,
)

FLOOR_DB, FRAME_S, BEGUN = -60.0, 0.01, 5
CENTRES_HZ = np.linspace(100, 12_000, 128, dtype=np.float32)


def hit(*partials: int, falls_db: float = 0.5, frames: int = 80) -> Mel:
    """Partials (three bins wide) that begin together and die away."""
    mel = np.full((128, frames), FLOOR_DB, np.float32)
    level = -falls_db * np.arange(frames - BEGUN, dtype=np.float32)
    for partial in partials:
        for bin_, below in ((partial - 1, 6), (partial, 0), (partial + 1, 6)):
            mel[bin_, BEGUN:] = np.maximum(mel[bin_, BEGUN:], level - below)
    return mel


def loud_bins(mel: Mel, frame: int) -> list[int]:
    """Where a frame has its partials: bins louder than both neighbours."""
    values = mel[:, frame]
    inner = (values[1:-1] > values[:-2]) & (values[1:-1] >= values[2:])
    return [int(each) + 1 for each in np.flatnonzero(inner & (values[1:-1] > -20))]


def test_between_two_sounds_partials_lie_between_theirs() -> None:
    """In a layer, all six would stand beside each other."""
    between = move(hit(20, 40, 60), hit(30, 56, 80), 0.5, floor_db=FLOOR_DB)
    assert loud_bins(between, 10) == pytest.approx([25, 48, 70], abs=1)
    assert beginning(between) == BEGUN


def test_on_the_way_each_sound_is_further_from_the_first() -> None:
    first, second = hit(20, 40, 60), hit(30, 56, 80)
    way = [move(first, second, share, floor_db=FLOOR_DB) for share in (0.2, 0.4, 0.6, 0.8)]
    places = [loud_bins(each, 10)[0] for each in way]
    assert places == sorted(set(places))
    assert 20 < places[0] < places[-1] < 30


def test_none_of_another_sound_is_the_sound() -> None:
    sound = hit(20, 40, 60)
    assert np.abs(move(sound, hit(90), 0.0, floor_db=FLOOR_DB) - sound).max() < 0.5


def test_silence_moves_to_silence() -> None:
    silence = np.full((128, 30), FLOOR_DB, np.float32)
    assert move(silence, silence, 0.5, floor_db=FLOOR_DB) == pytest.approx(silence, abs=0.2)


def test_an_octave_up_is_at_twice_the_frequency() -> None:
    (before,) = loud_bins(hit(40), 10)
    (after,) = loud_bins(transpose(hit(40), 12.0, CENTRES_HZ), 10)
    assert CENTRES_HZ[after] == pytest.approx(2 * CENTRES_HZ[before], rel=0.02)
    assert transpose(hit(40), 0.0, CENTRES_HZ) == pytest.approx(hit(40))


def test_stretched_its_attack_stays_as_it_is() -> None:
    sound = hit(40, frames=60)
    longer = stretch(sound, 110, attack=10)
    assert longer.shape == (128, 110)
    assert longer[:, :10] == pytest.approx(sound[:, :10])
    assert longer[:, -1] == pytest.approx(sound[:, -1])
    assert stretch(sound[:, :1], 4, attack=10).shape == (128, 4)


def test_a_faster_decay_begins_at_the_peak() -> None:
    sound = hit(40)
    faster = decay_faster(sound, 2.0, lift_db=6.0)
    assert faster[40, BEGUN + 2] == pytest.approx(sound[40, BEGUN + 2], abs=2)
    assert faster[40, -10] < sound[40, -10] - 20
    slower = decay_faster(sound, 0.1, lift_db=6.0)
    assert (slower - sound).max() == pytest.approx(6.0, abs=0.1)


def test_a_filter_changes_every_frame_alike() -> None:
    change = filter_by(hit(40), np.array([6.0, 0.0, -6.0])) - hit(40)
    assert np.ptp(change, axis=1).max() < 1e-4
    assert change[0, 0] > 3 > -3 > change[-1, 0]


def test_another_colour_keeps_the_partials() -> None:
    dark = np.linspace(0, -40, 128, dtype=np.float32)[:, None]
    coloured = recolour(hit(40, 80), hit(40, 80) + dark, 1.0, frame_s=FRAME_S)
    assert loud_bins(coloured, 10)[0] == 40
    apart = coloured[40, 10] - coloured[80, 10]
    assert apart == pytest.approx(dark[40, 0] - dark[80, 0], abs=2)


def test_an_attack_is_handed_over_without_a_jump() -> None:
    attack, body = hit(20, 40, falls_db=2.0), hit(50, 90) - 20
    joined = hand_over(attack, body, begun=BEGUN, frame_s=FRAME_S)
    assert joined[:, : BEGUN + 1] == pytest.approx(attack[:, : BEGUN + 1], abs=3)
    assert loud_bins(joined + 20, 35) == [50, 90]
    jumps = np.abs(np.diff(joined.mean(axis=0)))[BEGUN + 1 :]
    cut = np.abs(np.diff(np.concatenate([attack[:, :15], body[:, 15:]], axis=1).mean(axis=0)))
    assert jumps.max() < cut[BEGUN + 1 :].max()
    assert hand_over(attack[:, :6], body[:, :6], begun=BEGUN, frame_s=FRAME_S).shape == (128, 6)
