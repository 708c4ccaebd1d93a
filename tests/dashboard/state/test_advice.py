"""Each figure of a run or a model has a sentence that says what to do."""

from __future__ import annotations

import pytest

from distill.dashboard.state.places import Places
from distill.dashboard.state.runs import Runs
from tests.helpers.fake_runs import REMEDY, FakeRun, show_run


def curve(run: FakeRun, validation: list[float]) -> FakeRun:
    """Epochs with these validation losses, while the training loss falls."""
    for number, loss in enumerate(validation, 1):
        run.epoch(number, figures={"val/loss": loss})
    return run


@pytest.mark.parametrize(
    ("validation", "at_work", "ended"),
    [
        ([1.0, 0.9], "Nothing to do yet", "Too short to judge"),
        ([1.0, 0.9, 0.8, 0.7, 0.6], "Nothing to do but wait", "more minutes would help"),
        ([1.0, 0.5, 0.5, 0.5, 0.5], "Nothing to do: ", "Nothing to do: "),
        ([1.0, 0.5, 0.6, 0.7, 0.8], "it can be stopped", "more sounds would help"),
    ],
)
def test_curves_say_what_to_do(
    places: Places, runs: Runs, validation: list[float], at_work: str, ended: str
) -> None:
    run = curve(FakeRun(places.outputs, alive=True).start(), validation)
    assert at_work in show_run(runs)["charts"][0]["advice"]
    run.end()
    assert ended in show_run(runs)["charts"][0]["advice"]


def test_levels_held_out_sounds_and_files_say_what_to_do(places: Places, runs: Runs) -> None:
    run = FakeRun(places.outputs, alive=True).start().epoch(1)
    value = show_run(runs)
    assert value["levels"]["advice"] == "Nothing to do: all levels are in use."
    figures, advice = value["heard"]
    assert figures == "mel error 2.00 dB; sounds recognisable"
    assert advice.startswith("Nothing to do but wait: the mel error is the worst")
    assert "collection.json" in value["sounds_advice"]
    run.epoch(2, second_level=0.2, news=(REMEDY,)).end()
    value = show_run(runs)
    assert value["levels"]["advice"] == "Level 1 is mostly idle: the warning says what to change."
    assert value["heard"][1].startswith("To come closer, give it more minutes, or more sounds")


def test_the_state_says_what_it_means(places: Places, runs: Runs) -> None:
    run = FakeRun(places.outputs).start().step().can_be_resumed().end("failed", "the disk was full")
    assert "Go on continues from its last save." in show_run(runs)["sentence"]
    run.start(resumed=True).end()
    assert show_run(runs)["sentence"] == "Finished. Its model is not in the library."
