"""figures → close, recognisable or rough, and what is worst."""

from __future__ import annotations

import math

import pytest

from distill.codec.yardstick import YARDSTICK, Closeness, held_out_figures, rate, show_figures

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
        assert YARDSTICK[key].show(rating.value) in rating.reason
        assert YARDSTICK[key].fault(rating.value) in rating.fault


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
    assert (rating.closeness, rating.worst, rating.value) == ("rough", "onset_db", 7.0)
    assert rating.reason == "the onset error is the worst, 7.00 dB (close: 3.5)"


def test_the_figure_that_is_named_is_one_that_the_word_is_for() -> None:
    figures = {"onset_db": 6.1, "level_db": -3.9}  # the level is further from close, and not rough
    rating = rate(figures)
    assert rating is not None
    assert (rating.closeness, rating.worst) == ("rough", "onset_db")


def test_soft_attacks_are_named_where_they_are_the_worst() -> None:
    figures = {"mel_db": 2.0, "onset_db": 3.0, "rise_ms": 5.7, "original_rise_ms": 2.0}
    rating = rate(figures)
    assert rating is not None
    assert (rating.closeness, rating.value) == ("recognisable", pytest.approx(3.7))
    assert rating.reason == "soft attacks are the worst, rise +3.7 ms (close: 2)"
    assert rating.fault == " (soft attacks)"
    assert show_figures(figures | {"pre_ring_db": 12.34}) == [
        "mel error 2.00 dB",
        "onset error 3.00 dB",
        "rise 5.7 ms (original 2.0 ms)",
        "pre-ring +12.3 dB",
    ]
    sharper = rate({"rise_ms": 1.0, "original_rise_ms": 4.5})
    assert sharper is not None
    assert sharper.reason == "the rise is the worst, -3.5 ms (close: 2)"
    as_it_was = rate({"mel_db": 0.1, "rise_ms": 2.5, "original_rise_ms": 2.0})
    assert as_it_was is not None
    assert (as_it_was.closeness, as_it_was.fault) == ("close", "")


def test_what_rises_slowly_has_no_attack_to_lose() -> None:
    figures = {"mel_db": 0.1, "rise_ms": 40.0, "original_rise_ms": 5.5}
    rating = rate(figures)
    assert rating is not None
    assert (rating.closeness, rating.worst) == ("close", "mel_db")
    assert "rise 40.0 ms (original 5.5 ms)" in show_figures(figures), "told all the same"
    assert rate({"rise_ms": 40.0}) is None
    assert rate({"rise_ms": math.nan, "original_rise_ms": 2.0}) is None


def test_unknown_figures_are_left_out() -> None:
    figures = {"val/loss": 9.0, "val/mel_db": 1.0, "val/onset_db": math.nan, "train/loss": 9.0}
    rating = rate(held_out_figures(figures))
    assert rating is not None
    assert (rating.closeness, rating.worst) == ("close", "mel_db")
    assert rate(held_out_figures({"val/loss": 1.0})) is None
    assert rate({}) is None
