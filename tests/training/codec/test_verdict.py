"""history + health → what became of the run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from distill.codec.description import LevelHealth
from distill.codec.level_health import SideHealth
from distill.runs.history import History
from distill.training.codec.verdict import describe_sound, outlook, rate_best, verdict
from distill.training.records.course import FEWEST_EPOCHS

Curve = Callable[[int], float]


def history(epochs: int, *, train: Curve, val: Curve, mel_db: Curve | None = None) -> History:
    """Curves over epochs from 0; the mel error follows the held-out loss unless given."""
    made, follow = History(), mel_db or (lambda epoch: 10 * val(epoch))
    for epoch in range(epochs):
        made.close_epoch(
            {"train/loss": train(epoch), "val/loss": val(epoch), "val/mel_db": follow(epoch)}
        )
    return made


def health(*utilizations: float, positions: int = 10_000, codes: int = 64) -> SideHealth:
    return SideHealth(
        tuple(LevelHealth(share, share * codes, 0) for share in utilizations), positions, codes
    )


HEALTHY = health(0.95, 0.9, 0.92)


def said(course: History, side: SideHealth | None = HEALTHY, *, finished: bool = True) -> str:
    return verdict(course, side, min_utilization=0.3, finished=finished)


def flat(epochs: int = 40) -> History:
    """Falls early, then stays."""
    return history(epochs, train=lambda e: 1 + 0.5**e, val=lambda e: 1.2 + 0.5**e)


def falling(epochs: int = 40) -> History:
    """Falls by a few percent an epoch to the end."""
    return history(epochs, train=lambda e: 0.97**e, val=lambda e: 1.2 * 0.97**e)


def rising(epochs: int = 40, turn: int = 10) -> History:
    """The held-out loss turns while the training loss goes on falling."""
    return history(epochs, train=lambda e: 0.97**e, val=lambda e: 1 + 0.02 * abs(e - turn))


@pytest.mark.parametrize("epochs", [FEWEST_EPOCHS + 10, 40, 200])
def test_converged(epochs: int) -> None:
    assert said(flat(epochs)).startswith("converged")


@pytest.mark.parametrize("epochs", [FEWEST_EPOCHS, 10, 40])
def test_still_improving(epochs: int) -> None:
    assert said(falling(epochs)).startswith("still improving")


@pytest.mark.parametrize(("epochs", "turn"), [(12, 4), (15, 0), (40, 10), (40, 25), (100, 30)])
def test_overfitting_since_the_best_epoch(epochs: int, turn: int) -> None:
    """Epochs count from 1 for people; a long run's smoothing may move the turn by an epoch."""
    text = said(rising(epochs, turn))
    assert text.startswith("overfitting since epoch ")
    epoch = int(text.removeprefix("overfitting since epoch ").split(":")[0])
    assert abs(epoch - (turn + 1)) <= epochs // 20


def test_held_out_loss_that_rises_with_the_training_loss_is_not_overfitting() -> None:
    both = history(40, train=lambda e: 1 + 0.02 * abs(e - 10), val=lambda e: 1 + 0.02 * abs(e - 10))
    assert "overfitting" not in said(both)


def test_noise_at_the_end_is_not_overfitting() -> None:
    noisy = history(60, train=lambda e: 0.99**e, val=lambda e: 1.0 + 0.5**e + 0.02 * (-1) ** e)
    assert "overfitting" not in said(noisy)


@pytest.mark.parametrize("course", [flat, falling, rising])
def test_collapsed_levels_come_first_whatever_the_course(
    course: Callable[[], History],
) -> None:
    text = said(course(), health(0.9, 0.1, 0.05))
    assert text.startswith("collapsed: level 1 (10.0% in use), level 2 (5.0% in use)")
    assert said(course()) in text  # and the course is told as well
    assert "level 0" not in text


def test_healthy_levels_are_not_mentioned() -> None:
    assert "collapsed" not in said(flat())
    assert "level" not in said(flat())


@pytest.mark.parametrize("epochs", range(1, FEWEST_EPOCHS))
def test_too_short(epochs: int) -> None:
    text = said(falling(epochs))
    assert text == f"too short to judge: {epochs} epoch{'s' * (epochs > 1)}"


@pytest.mark.parametrize("epochs", [0, 3, 40])
def test_stopped_says_so_and_judges_nothing_about_the_course(epochs: int) -> None:
    text = said(falling(epochs), finished=False)
    assert text == f"stopped after {epochs} epochs, before its end"


def test_stopped_and_collapsed() -> None:
    text = said(falling(7), health(0.1), finished=False)
    assert "collapsed: level 0" in text
    assert "stopped after 7 epochs" in text


def test_too_few_positions_are_said_and_are_no_collapse() -> None:
    text = said(flat(), health(0.05, 0.05, positions=100))
    assert (
        "too little sound to judge the codebooks (100 places in it, for 64 codes in each codebook)"
        in text
    )
    assert "collapsed" not in text
    assert text.startswith("converged")


def test_without_health_the_course_is_still_told() -> None:
    assert said(falling(), None).startswith("still improving")


def test_perfect_reconstruction_does_not_divide_by_zero() -> None:
    silent = history(10, train=lambda e: 0.0, val=lambda e: 0.0)
    assert said(silent).startswith("converged")


@pytest.mark.parametrize(("sounds", "is_weak"), [(1, True), (4, True), (5, False), (None, False)])
def test_figures_of_few_held_out_sounds_are_marked_as_weak(
    sounds: int | None, is_weak: bool
) -> None:
    text = verdict(flat(), HEALTHY, min_utilization=0.3, finished=True, held_out_sounds=sounds)
    assert ("weak figures: only" in text) == is_weak
    assert text.startswith("converged")


def heard(course: History, *, finished: bool = True) -> str:
    ahead = outlook(course, finished=finished, elapsed_s=180)
    return describe_sound(rate_best(course), ahead)


def test_the_sound_of_the_best_epoch_is_described_with_what_is_worst() -> None:
    made = History()
    for mel_db, onset_db in ((5.0, 9.0), (1.8, 7.5), (2.5, 5.0)):
        made.close_epoch(
            {"train/loss": 1, "val/loss": 1, "val/mel_db": mel_db, "val/onset_db": onset_db}
        )
    assert heard(made).startswith("sounds rough: the onset error is the worst, 7.50 dB (close: 3.5")


def test_a_run_that_improves_is_told_what_more_time_would_bring() -> None:
    text = heard(history(8, train=lambda e: 1, val=lambda e: 0.28 * (e + 1) ** -0.2))
    assert "sounds close: " in text
    assert "10 more minutes would likely bring the mel error from 1.85 to about" in text


def test_a_run_that_overfits_is_not_told_to_train_longer() -> None:
    """Even where its mel error still falls."""
    course = history(
        40,
        train=lambda e: 0.97**e,
        val=lambda e: 1 + 0.02 * abs(e - 10),
        mel_db=lambda e: 9 / (e + 1),
    )
    assert "10 more minutes would likely not help" in heard(course)


def test_a_run_that_was_stopped_has_no_outlook() -> None:
    assert "more minutes" not in heard(falling(), finished=False)
    assert heard(History(), finished=False) == ""
