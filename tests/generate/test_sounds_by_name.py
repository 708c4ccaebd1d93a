"""Sounds to begin with that are named rather than given as files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import distill
from distill.generation.known import KnownSounds
from tests.helpers.made_bundle import make_bundle
from tests.helpers.sounds import sound
from tests.helpers.tiny_bundle import prior_state
from tests.helpers.verbs import Run

NAMES = (
    "kicks/deep.wav",
    "kicks/Kick_12.wav",
    "kicks/low/old.aif",
    "snares/deep.wav",
    "snares/tight.wav",
    "snares/tight.flac",
)


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    """A tiny model that knows sounds of these names."""
    state = prior_state()
    sounds = zip(state["config"]["sounds"], NAMES, strict=True)
    state["config"]["sounds"] = [{**each, "name": name} for each, name in sounds]
    return make_bundle(tmp_path / "kit.distillgan", fields={"prior_state": state}, name="kit")


def settings(folder: str) -> Any:
    return json.loads(Path(folder, "generate.json").read_text())["calls"][0]["settings"]


@pytest.mark.parametrize(
    ("word", "known"),
    [
        ("kick_12", 1),
        ("KICK_12.WAV", 1),
        ("Kicks/Deep", 0),
        ("snares/deep.wav", 3),
        ("old", 2),
        ("tight.flac", 5),
        ("known:5", 4),
        ("known:kick_12", 1),
    ],
)
def test_a_known_sound_is_named_in_any_way_that_means_it_alone(
    kit: Path, run: Run, word: str, known: int
) -> None:
    told = run("generate", kit, "-n", "1", "-o", "out", "--like", word, "--amount", "0")
    assert told.exit_code == 0, told.stderr
    assert settings("out")["like"] == NAMES[known]
    assert f"like {NAMES[known]}" in Path("out/listen.html").read_text()
    model = distill.load(kit)
    assert model.prior is not None
    codes = KnownSounds(model.codec, model.prior).codes(known)
    (path,) = Path("out").glob("*_kit_0_001.wav")
    waveform, _ = soundfile.read(path, dtype="float32")
    np.testing.assert_allclose(waveform, model.decode(codes)[0].numpy(), atol=1e-4)


def test_known_sounds_are_morphed_and_gone_on_from(kit: Path, run: Run) -> None:
    told = run("generate", kit, "-n", "2", "-o", "way", "--morph", "kick_12", "tight.wav")
    assert told.exit_code == 0, told.stderr
    assert settings("way")["morph"] == ["kicks/Kick_12.wav", "snares/tight.wav"]
    told = run("generate", kit, "-n", "1", "-o", "on", "--continue", "kick_12", "--length", "2")
    assert told.exit_code == 0, told.stderr
    assert settings("on")["continue"] == "kicks/Kick_12.wav"
    assert soundfile.info("on/Kick_12_kit_0_001.wav").frames == 32_000


def test_a_file_comes_first_then_known_sounds_then_kept_and_new_ones(kit: Path, run: Run) -> None:
    def like(word: str) -> str:
        told = run("generate", kit, "-n", "1", "-o", "out", "--like", word, "--overwrite")
        assert told.exit_code == 0, told.stderr
        calls = json.loads(Path("out/generate.json").read_text())["calls"]
        return f"{calls[-1]['settings']['like']} {calls[-1]['sounds'][0]['length_s']:g}"

    sound(Path("outputs/kept/mine.wav"), samples=4_000)
    sound(Path("outputs/generated/call/mine.wav"), samples=6_000)
    sound(Path("outputs/train/a/new_sounds/kick_12.wav"), samples=8_000)
    sound(Path("outputs/train/a/new_sounds/other.wav"), samples=2_000)
    assert like("mine") == "mine.wav 0.25"
    assert like("OTHER") == "other.wav 0.125"
    assert like("kick_12").startswith("kicks/Kick_12.wav")
    sound(Path("kick.wav"), samples=1_600).rename("kick_12")
    assert like("kick_12") == "kick_12 0.1"
    assert like("known:kick_12").startswith("kicks/Kick_12.wav")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["--like", "deep"],
            "deep: this can mean several sounds: kicks/deep.wav (known:1), snares/deep.wav "
            "(known:4)",
        ),
        (["--morph", "kick_12", "tihgt"], "tihgt: no such file, and no such sound that kit knows"),
        (["--continue", "kik_12"], "nearest: kicks/Kick_12.wav"),
        (["--continue", "snars/deep"], "nearest: snares/deep.wav"),
        (["--like", "known:7"], "known:7: no such file"),
        (["--like", "zzzz"], "zzzz: no such file, and no such sound that kit knows, or that was "),
        (["--like", "mine"], "mine: this can mean several sounds: outputs/generated/a/mine.wav, "),
    ],
)
def test_a_word_that_means_none_or_several_is_told_in_one_line(
    kit: Path, run: Run, words: list[str], told: str
) -> None:
    for place in "ab":
        sound(Path("outputs/generated", place, "mine.wav"))
    run("generate", kit, "-o", "out", *words).is_mistake(told)
    assert not Path("out").exists()
