"""What is said of a vocoder's sounds beside the default one's."""

from __future__ import annotations

import pytest

from distill.codec.attack import Attacks
from distill.training.vocoder.comparison import Comparison, Likeness

SOFT = Attacks(5.7, 2.0, 0.19, 0.54, 14.0, 20)
SOFTER = Attacks(6.5, 2.0, 0.11, 0.54, 19.5, 20)
SHARP = Attacks(2.5, 2.0, 0.5, 0.54, None, 20)


def compared(own: Attacks | None, default: Attacks | None, *, nearer: int = 3) -> Comparison:
    return Comparison(
        Likeness(1.5, 3.0, own), Likeness(2.0, 3.0, default), "Griffin-Lim", nearer, 4
    )


def test_rises_are_told_with_the_default_vocoders_and_the_originals() -> None:
    comparison = compared(SOFT, SOFTER)
    assert comparison.figures[2:] == [
        "rise of 20 attacks 5.7 ms (6.5, originals 2.0)",
        "within 2 ms 19% (11%, originals 54%)",
        "pre-ring +14.0 dB (+19.5)",
    ]
    assert comparison.details["own"]["attacks"]["rise_ms"] == 5.7
    assert comparison.own.of_attacks["original_sharp"] == 0.54


def test_the_verdict_says_if_the_attacks_of_what_is_kept_are_soft() -> None:
    soft = "; sounds recognisable: soft attacks are the worst, rise +3.7 ms (close: 2)"
    assert compared(SOFT, SHARP).verdict.endswith(soft)
    assert compared(SHARP, SOFT, nearer=1).verdict.endswith(soft), "the default one is kept"
    assert "sounds recog" not in compared(SHARP, SOFT).verdict


@pytest.mark.parametrize("attacks", [None, SHARP])
def test_what_was_not_measured_is_not_told(attacks: Attacks | None) -> None:
    comparison = compared(attacks, attacks)
    assert "pre-ring" not in comparison.verdict
    assert ("rise" in comparison.verdict) == (attacks is not None)
    assert None not in comparison.own.of_attacks.values()
