"""A made-up clock → the time left, with what comes after the last step of an epoch and a stage."""

from __future__ import annotations

import pytest

from distill.training.steps.schedule import RunClock, StageLimits
from distill.training.steps.time_left import TimeLeft

STEP_S, END_S, CLOSING_S, AN_EPOCH = 2.0, 30.0, 40.0, 10


class Day:
    """A stage whose steps take two seconds, ends of epochs half a minute, and its closing 40 s."""

    def __init__(
        self, *, max_epochs: int | None = None, max_minutes: float | None = None, begun: int = 0
    ) -> None:
        self.clock = RunClock(StageLimits(max_epochs, max_minutes, 1.0, 10))
        self.clock.elapsed_before_s = self.began_s = 500.0 * (begun > 0)
        self.clock.start()
        self.clock.stop()  # from here on it stands still, but for what is added to it
        self.time_left = TimeLeft(
            self.clock,
            end_steps=5 * END_S / STEP_S,
            closing_s=lambda step_s: step_s * CLOSING_S / STEP_S,
        )
        self.steps = begun
        self.time_left.start(begun)

    def step(self, times: int = 1) -> None:
        for _ in range(times):
            self.time_left.begin_step()
            self.clock.elapsed_before_s += STEP_S
            self.steps += 1
            if self.steps % AN_EPOCH == 0:
                self.time_left.end_epoch()
                self.clock.elapsed_before_s += END_S

    def left_s(self, *, is_trained: bool = False) -> float | None:
        return self.time_left.seconds(self.steps, an_epoch=AN_EPOCH, is_trained=is_trained)


@pytest.mark.parametrize("begun", [0, 10])
def test_ends_of_epochs_and_of_the_stage_count(begun: int) -> None:
    """Also where the run was stopped before, at another speed."""
    day = Day(max_epochs=begun // AN_EPOCH + 3, begun=begun)
    assert day.left_s() is None
    day.step(11)
    assert day.left_s() == pytest.approx(19 * STEP_S + 2 * END_S + CLOSING_S)
    day.step(14)
    assert day.left_s() == pytest.approx(5 * STEP_S + END_S + CLOSING_S)
    day.step(5)
    assert day.left_s(is_trained=True) == pytest.approx(CLOSING_S), "20 s were said, 179 taken"


def test_before_an_epoch_has_ended_its_end_is_guessed_in_steps() -> None:
    day = Day(max_epochs=1)
    day.step(4)
    assert day.left_s() == pytest.approx(6 * STEP_S + 5 * END_S + CLOSING_S)


def test_a_slow_first_step_says_nothing_of_the_others() -> None:
    day = Day(max_epochs=1)
    day.step()
    day.clock.elapsed_before_s += 25.0
    day.step(3)
    assert day.left_s() == pytest.approx(6 * STEP_S + 5 * END_S + CLOSING_S)


def test_minutes_are_the_time_of_the_training_alone() -> None:
    day = Day(max_minutes=2)
    day.step(11)
    assert day.left_s() == pytest.approx(120 - 11 * STEP_S - END_S + END_S + CLOSING_S)
    day.step(9)
    assert day.left_s() == pytest.approx(20 + END_S + CLOSING_S)
    day.step(15)
    assert day.left_s() == pytest.approx(END_S + CLOSING_S), "a step over its limit"


def test_of_two_limits_the_nearer_counts() -> None:
    day = Day(max_epochs=100, max_minutes=2)
    day.step(11)
    assert day.left_s() == pytest.approx(98 + CLOSING_S)


def test_without_a_limit_nothing_is_said() -> None:
    day = Day()
    day.step(11)
    assert day.left_s() is None
