"""the curve of a run → what ten more minutes would likely bring, and no more than that."""

from __future__ import annotations

import math

import pytest

from distill.training.records.outlook import (
    FEWEST_EPOCHS,
    MOST_GAIN,
    WORTH_IT,
    Outlook,
    describe_forecast,
    forecast,
)

MINUTES_3 = 180.0


def power_law(epochs: int, power: float, *, end_db: float = 2.4) -> list[float]:
    return [end_db * (epochs / (epoch + 1)) ** power for epoch in range(epochs)]


def test_a_longer_run_is_likely_better_but_less_than_the_curve_promises() -> None:
    ahead = forecast(power_law(6, 0.2), elapsed_s=MINUTES_3)
    assert ahead.outlook is Outlook.BETTER
    assert ahead.minutes == pytest.approx(13)
    by_the_curve = 2.4 * (13 / 3) ** -0.2
    assert ahead.likely_db is not None
    assert by_the_curve < ahead.likely_db < 2.4
    assert describe_forecast(ahead) == (
        "10 more minutes would likely bring the mel error from 2.40 to about 2.2 dB "
        "(a run of 13 minutes)"
    )


def test_known_runs_are_foretold() -> None:
    """Ends of runs of three and of ten minutes on instruments, on one core: 2.6 and 2.4 dB."""
    within = [3.75, 3.25, 3.0, 2.85, 2.7, 2.6]
    ahead = forecast(within, elapsed_s=MINUTES_3)
    assert ahead.likely_db == pytest.approx(2.4, abs=0.1)


@pytest.mark.parametrize("power", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("elapsed_s", [0.0, 2.0, MINUTES_3, 3_600.0])
def test_no_curve_promises_more_than_the_bound(power: float, elapsed_s: float) -> None:
    ahead = forecast(power_law(12, power), elapsed_s=elapsed_s)
    if ahead.likely_db is not None:
        assert ahead.likely_db >= 2.4 * (1 - MOST_GAIN) - 1e-9


def test_ten_minutes_are_little_after_hours() -> None:
    assert forecast(power_law(50, 0.2), elapsed_s=3 * 3_600).outlook is Outlook.LITTLE


def test_a_curve_that_hardly_falls_promises_nothing() -> None:
    ahead = forecast([2.45, 2.42, 2.41, 2.4, 2.4, 2.4], elapsed_s=MINUTES_3)
    assert ahead.outlook is Outlook.LITTLE
    assert ahead.likely_db is None
    assert "little" in describe_forecast(ahead)


@pytest.mark.parametrize("epochs", range(FEWEST_EPOCHS))
def test_few_epochs_say_nothing(epochs: int) -> None:
    ahead = forecast(power_law(epochs, 0.3), elapsed_s=MINUTES_3)
    assert ahead.outlook is Outlook.UNKNOWN
    assert describe_forecast(ahead) == ""


@pytest.mark.parametrize("broken", [math.nan, math.inf, 0.0])
def test_figures_that_are_not_numbers_say_nothing(broken: float) -> None:
    assert forecast([3, 2.5, broken, 2.0], elapsed_s=60).outlook is Outlook.UNKNOWN


def test_an_error_that_rises_is_not_cured_by_time() -> None:
    ahead = forecast([3.0, 2.5, 2.2, 2.4, 2.6], elapsed_s=MINUTES_3)
    assert ahead.outlook is Outlook.WORSE
    assert "not help" in describe_forecast(ahead)


def test_noise_hardly_changes_the_forecast() -> None:
    curve = power_law(20, 0.2)
    noisy = [error * (1 + 0.01 * (-1) ** epoch) for epoch, error in enumerate(curve)]
    clean, rough = (forecast(each, elapsed_s=MINUTES_3) for each in (curve, noisy))
    assert clean.likely_db == pytest.approx(rough.likely_db, rel=0.02)


def test_what_is_promised_is_worth_it() -> None:
    for power in (0.01, 0.03, 0.05, 0.1, 0.3):
        ahead = forecast(power_law(8, power), elapsed_s=MINUTES_3)
        if ahead.likely_db is not None:
            assert ahead.likely_db <= 2.4 * (1 - WORTH_IT)
