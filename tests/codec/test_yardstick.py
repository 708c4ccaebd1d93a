"""figures → close, recognisable or rough, and what is worst."""

from __future__ import annotations

import math

import pytest

from distill.codec.yardstick import YARDSTICK, Closeness, held_out_figures, rate

BEST = dict.fromkeys(YARDSTICK, 0.0)


def just(key: str, *, over: str) -> dict[str, float]:
    """All figures perfect but one, which is a little over its limit for this word."""
    return {**BEST, key: getattr(YARDSTICK[key], over) + 0.01}


def test_limits_grow_with_the_words() -> None:
    assert all(0 < limits.close < limits.recognisable for limits in YARDSTICK.values())


@pytest.mark.parametrize("key", YARDSTICK)
def test_one_bad_figure_is_enough_and_is_named(key: str) -> None:
    for over, word in (("close", Closeness.RECOGNISABLE), ("recognisable", Closeness.ROUGH)):
        rating = rate(just(key, over=over))
        assert rating is not None
        assert (rating.closeness, rating.worst) == (word, key)
        assert YARDSTICK[key].name in rating.reason
        assert YARDSTICK[key].show(rating.value_db) in rating.reason


@pytest.mark.parametrize("key", YARDSTICK)
def test_at_its_limit_a_figure_still_stands_for_the_word(key: str) -> None:
    limits = YARDSTICK[key]
    for value, word in ((limits.close, "close"), (limits.recognisable, "recognisable")):
        for signed in (value, -value):  # too loud is as bad as too quiet
            rating = rate({**BEST, key: signed})
            assert rating is not None
            assert rating.closeness == word


def test_the_worst_figure_is_the_one_furthest_from_close() -> None:
    figures = {"mel_db": 2.4, "onset_db": 7.0, "peak_db": 3.0, "level_db": -2.0}
    rating = rate(figures)
    assert rating is not None
    assert (rating.closeness, rating.worst, rating.value_db) == ("rough", "onset_db", 7.0)


def test_unknown_figures_are_left_out() -> None:
    figures = {"val/loss": 9.0, "val/mel_db": 1.0, "val/onset_db": math.nan, "train/loss": 9.0}
    rating = rate(held_out_figures(figures))
    assert rating is not None
    assert (rating.closeness, rating.worst) == ("close", "mel_db")
    assert rate(held_out_figures({"val/loss": 1.0})) is None
    assert rate({}) is None
