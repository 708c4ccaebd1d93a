"""progress → learning rate: a rise, then half a cosine."""

from __future__ import annotations

import dataclasses

import pytest

from distill.settings.schema import OptimizerConfig
from distill.training.steps.schedule import RunClock, StageLimits, learning_rate

CONFIG = OptimizerConfig(
    lr=1e-3,
    momentum=0.9,
    betas=[0.9, 0.99],
    weight_decay=0.01,
    warmup_steps=10,
    final_lr_fraction=0.1,
)


def test_rises_in_equal_steps_to_the_full_rate() -> None:
    rates = [learning_rate(CONFIG, step=step, progress=0) for step in range(13)]
    assert rates[0] == pytest.approx(1e-3 / 11)
    gains = [later - earlier for earlier, later in zip(rates[:10], rates[1:11], strict=True)]
    assert gains == pytest.approx([1e-3 / 11] * 10)
    assert rates[10:] == pytest.approx([1e-3] * 3)


def test_no_warm_up_starts_at_the_full_rate() -> None:
    config = dataclasses.replace(CONFIG, lr=2e-3, warmup_steps=0)
    assert learning_rate(config, step=0, progress=0) == pytest.approx(2e-3)


def test_falls_all_the_way_to_the_final_share_and_never_rises() -> None:
    rates = [learning_rate(CONFIG, step=100, progress=share / 50) for share in range(51)]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] == pytest.approx(1e-3)
    assert rates[25] == pytest.approx(1e-3 * (0.1 + 0.9 / 2))
    assert rates[-1] == pytest.approx(1e-4)


@pytest.mark.parametrize(("beyond", "within"), [(1.5, 1.0), (1.0001, 1.0), (-0.1, 0.0)])
def test_stays_in_range_beyond_the_ends(beyond: float, within: float) -> None:
    """A run limited by minutes overshoots a little."""
    assert learning_rate(CONFIG, step=100, progress=beyond) == learning_rate(
        CONFIG, step=100, progress=within
    )


def test_depends_on_step_and_progress_only() -> None:
    """So a resumed run repeats it."""
    first = [learning_rate(CONFIG, step=step, progress=step / 30) for step in range(30)]
    again = [learning_rate(CONFIG, step=step, progress=step / 30) for step in reversed(range(30))]
    assert first == again[::-1]
    assert all(rate > 0 for rate in first)


def limits(max_epochs: int | None = None, max_minutes: float | None = None) -> StageLimits:
    return StageLimits(max_epochs, max_minutes, gradient_clip_val=1.0, max_bad_steps=10)


def test_progress_follows_epochs_or_minutes_whichever_is_further() -> None:
    clock = RunClock(limits(max_epochs=10, max_minutes=None))
    assert clock.progress(25, 5) == 0.5
    assert clock.progress(10_000, 5) == 1.0
    clock = RunClock(limits(max_epochs=10, max_minutes=2.0))
    clock.elapsed_before_s = 90.0
    assert clock.progress(5, 5) >= 0.75
    assert not clock.time_is_up
    assert not clock.time_is_nearly_up
    clock.elapsed_before_s = 119.0
    assert clock.time_is_nearly_up
    assert not clock.time_is_up
    clock.elapsed_before_s = 121.0
    assert clock.time_is_up


def test_time_before_an_interruption_counts() -> None:
    clock = RunClock(limits())
    clock.elapsed_before_s = 1000.0
    clock.start()
    assert 1000.0 <= clock.elapsed_s < 1100.0
