"""Four processes that write into one folder: all of their results are there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.helpers.forks import start
from tests.helpers.listening import read_page
from tests.helpers.made_bundle import make_bundle
from tests.helpers.sounds import sound
from tests.helpers.tiny_bundle import prior_state
from tests.helpers.verbs import Told, results

pytestmark = pytest.mark.slow

PROCESSES = 4
TAKEN = "already exists; add --overwrite"


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    """A tiny model with a prior."""
    return make_bundle(tmp_path / "kit.distillgan", fields={"prior_state": prior_state()})


def at_once(folder: Path, commands: Sequence[Sequence[object]]) -> list[Told]:
    """What came back of commands that began together."""
    begun = [start(folder, *map(str, words)) for words in commands]
    said = [each.communicate() for each in begun]
    return [Told(each.wait(), out, err) for each, (out, err) in zip(begun, said, strict=True)]


def test_each_call_of_generate_has_sounds_of_its_own(tmp_path: Path, kit: Path) -> None:
    answers = at_once(tmp_path, [["generate", kit, "-n", "2", "-o", "out"]] * PROCESSES)
    assert [answer.exit_code for answer in answers] == [0] * PROCESSES, answers
    out = tmp_path / "out"
    sounds = {path.name for path in out.glob("*.wav")}
    wanted = {f"Tiny_{seed}_00{n}" for seed in range(PROCESSES) for n in (1, 2)}
    assert {stem_of(name) for name in sounds} == wanted
    sheets = {"generate.png", *(f"generate-{n}.png" for n in range(2, PROCESSES + 1))}
    assert set(results(out)) == {*sounds, *sheets, "generate.json"}
    calls = json.loads((out / "generate.json").read_text())["calls"]
    assert [call["call"] for call in calls] == list(range(1, PROCESSES + 1))
    assert {facts["file"] for call in calls for facts in call["sounds"]} == sounds
    assert set(read_page(out / "listen.html").names) == sounds


def stem_of(name: str) -> str:
    """A result's name without its ending, and without a class before the name of the model."""
    return Path(name).stem.removeprefix("kick_").removeprefix("snare_")


@pytest.mark.parametrize("verb", ["generate", "encode", "decode", "reconstruct"])
def test_one_name_goes_to_one_process_and_the_others_say_so(
    tmp_path: Path, kit: Path, verb: str
) -> None:
    """Each has a result of its own, too, and these all arrive."""
    numbers = range(PROCESSES)
    for name in ("same", *map(str, numbers)):
        sound(tmp_path / f"{name}.wav", hz=300.0 + 100 * len(name))
    commands: list[list[object]] = [
        [verb, kit, f"{n}.wav", "same.wav", "-o", "out"] for n in numbers
    ]
    wanted = {"same", *map(str, numbers)}
    if verb == "generate":
        commands = [[verb, kit, "-n", "1", "--seed", "7", "-o", "out"] for _ in numbers]
        wanted = {"Tiny_7_001"}  # after the class
    if verb == "decode":
        at_once(tmp_path, [["encode", kit, *(f"{name}.wav" for name in wanted), "-o", "codes"]])
        commands = [
            [
                verb,
                "--model",
                kit,
                f"codes/{n}.distillcodes",
                "codes/same.distillcodes",
                "-o",
                "out",
            ]
            for n in numbers
        ]
    answers = at_once(tmp_path, commands)
    assert sorted(answer.exit_code for answer in answers) == [0] + [2] * (PROCESSES - 1), answers
    assert all(TAKEN in answer.stderr for answer in answers if answer.exit_code == 2), answers
    out = tmp_path / "out"
    made = {stem_of(name) for name in results(out) if not name.startswith("generate")}
    assert made == wanted
    if verb in ("generate", "reconstruct"):
        assert {stem_of(name) for name in read_page(out / "listen.html").names} == wanted
