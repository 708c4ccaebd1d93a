"""How a sound goes on: as a known one does after what is like it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import torch

from distill.generation.continuation import go_on, is_over
from distill.generation.known import KnownSounds
from distill.generation.operators import Mel, attack_of, beginning

FRAME_S, FLOOR_DB = 0.01, -100.0


def tone(places: list[float], bins: int = 40, level_db: float = 0.0) -> Mel:
    """A partial at these bins, frame by frame."""
    bumps = -np.square((np.arange(bins)[:, None] - np.array(places)[None]) / 2)
    return np.asarray(np.maximum(10 * bumps + level_db, FLOOR_DB), np.float32)


def known(*mels: Mel) -> KnownSounds:
    return cast(KnownSounds, SimpleNamespace(mels=[torch.from_numpy(mel) for mel in mels]))


def followed(given: Mel, frames: int, *mels: Mel, **more: Any) -> Mel:
    random = np.random.default_rng(more.pop("seed", 0))
    numbers = list(range(len(mels)))
    return go_on(given, frames, known(*mels), numbers, random, strength=0.0, frame_s=FRAME_S)


def test_a_rising_tone_goes_on_rising() -> None:
    rising = tone(list(np.linspace(2, 38, 90)))
    falling = tone(list(np.linspace(38, 2, 90)))
    whole = followed(rising[:, :40] - 6, 80, rising)
    assert whole.shape[1] == 80
    assert np.array_equal(whole[:, :40], rising[:, :40] - 6)
    assert whole[:, 60].argmax() > whole[:, 40].argmax() + 5
    assert followed(falling[:, :40], 80, falling)[:, 60].argmax() < 20


def test_the_level_leads_over_without_a_step() -> None:
    steady = tone([20.0] * 90)
    levels = followed(steady[:, :40] - 24, 100, steady).max(axis=0)
    assert np.abs(np.diff(levels)).max() < 3
    assert levels[99] > levels[39] + 10


def test_what_is_missing_is_filled_from_as_many_sounds_as_it_takes() -> None:
    steady = tone([20.0] * 50)
    whole = followed(steady[:, :30], 200, steady)
    assert whole.shape[1] == 200
    assert (whole.max(axis=0) > -12).all()


def test_nothing_to_go_on_with_leaves_it_as_it_is() -> None:
    steady = tone([20.0] * 50)
    assert followed(steady, 90).shape[1] == 50
    assert followed(steady, 90, steady[:, :6]).shape[1] == 50


def test_it_ends_with_a_sound_that_dies_away() -> None:
    """What was like the faint end of one was a noise of another kind."""
    dying = tone([20.0] * 90) - np.arange(90, dtype=np.float32)[None]
    whole = followed(dying[:, :30], 400, dying, tone([35.0] * 90, level_db=-45))
    assert whole.shape[1] < 130
    assert is_over(whole, FRAME_S)


def test_a_sound_is_over_when_nothing_is_heard_at_its_end() -> None:
    steady = tone([20.0] * 50)
    assert not is_over(steady, FRAME_S)
    assert is_over(np.concatenate([steady, np.full((40, 8), FLOOR_DB, np.float32)], 1), FRAME_S)


def test_an_attack_may_come_after_the_beginning() -> None:
    """A partner whose attack came later than its beginning was heard as a second hit."""
    breath, hit = tone([30.0] * 6, level_db=-25), tone([10.0] * 20)
    late = np.concatenate([np.full((40, 3), FLOOR_DB, np.float32), breath, hit], axis=1)
    assert (beginning(late), attack_of(late)) == (3, 9)
    assert attack_of(hit) == beginning(hit) == 0
