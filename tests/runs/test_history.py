"""Figures of epochs: one list for each, which goes on with the run."""

from __future__ import annotations

import json
import math

from distill.runs.history import History


def history() -> History:
    made = History()
    for train, val, mel_db in ((3.0, 4.0, 9.0), (2.0, 3.0, 5.0), (1.0, 3.5, 6.0)):
        made.close_epoch({"train/loss": train, "val/loss": val, "val/mel_db": mel_db})
    return made


def test_history_has_one_number_an_epoch_for_each_figure() -> None:
    made = history()
    assert made.epochs == 3
    assert made["train/loss"] == [3, 2, 1]
    assert made["val/loss"] == [4, 3, 3.5]
    assert {len(values) for values in made.figures.values()} == {3}


def test_history_comes_back_from_plain_values() -> None:
    made = history()
    assert History(json.loads(json.dumps(made.figures))).figures == made.figures


def test_best_epoch_has_the_lowest_figure() -> None:
    assert history().best_epoch("val/mel_db") == 1
    assert history().best_epoch("train/loss") == 2


def test_figures_of_an_epoch() -> None:
    assert history().of_epoch(1) == {"train/loss": 2.0, "val/loss": 3.0, "val/mel_db": 5.0}
    assert history().last() == history().of_epoch(2)
    assert History().last() == {}


def test_a_figure_that_an_older_distill_did_not_have_is_unknown_in_earlier_epochs() -> None:
    made = history()
    made.close_epoch({**made.last(), "val/onset_db": 4.0})
    assert made.epochs == 4
    assert made.last()["val/onset_db"] == 4
    assert all(math.isnan(value) for value in made["val/onset_db"][:3])


def test_new_histories_share_nothing() -> None:
    made = history()
    copied = History(made.figures)
    copied.close_epoch({"train/loss": 0.0, "val/loss": 0.0, "val/mel_db": 0.0})
    assert made.epochs == 3
    assert History().epochs == 0
