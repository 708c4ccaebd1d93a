"""A model that was shared without its sounds: what it still makes, and what it says of the rest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import distill
from distill.bundle.loaded import LoadedModel
from distill.catalog.sharing import shared
from distill.errors import GenerationError
from tests.helpers.made_bundle import STATES, make_bundle
from tests.helpers.sounds import sound, tone
from tests.helpers.verbs import Run


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of such a model."""
    folder = tmp_path_factory.mktemp("bare")
    whole = make_bundle(folder / "whole.distillgan", fields=STATES, name="kit")
    with shared(whole, with_sounds=False) as path:
        return path.rename(folder / "bare.distillgan")


@pytest.fixture(scope="module")
def model(bare: Path) -> LoadedModel:
    return distill.load(bare)


@pytest.mark.parametrize("temperature", [1.0, 1.3])
def test_it_makes_variations_morphs_and_continuations(
    model: LoadedModel, temperature: float
) -> None:
    one, other = tone(440, duration_s=0.5), tone(900, duration_s=0.4)
    requests: list[dict[str, Any]] = [
        {"like": one, "amount": 0.0},
        {"like": one, "amount": 1.0},
        {"morph": (one, other)},
        {"beginning": one},
        {"beginning": np.concatenate([one, np.zeros(9_000, np.float64)]), "length_s": 2.0},
        {"beginning": one[:900], "length_s": 1.0, "amount": 1.0},
    ]
    for request in requests:
        for made in model.new_sounds(3, temperature=temperature, **request):
            assert (made.nearest, made.nearest_codes) == ("", None)
            assert made.distance_db == made.novelty == float("inf")
            assert not made.is_copy
            assert made.waveform.abs().max() > 0


def test_a_continuation_is_as_long_again_or_as_asked(model: LoadedModel) -> None:
    given = tone(440, duration_s=0.5)
    assert [len(each) for each in model.generate(2, beginning=given)] == [16_000] * 2
    assert len(model.generate(1, beginning=given, length_s=3.0)[0]) == 48_000


@pytest.mark.parametrize(
    ("request_", "what"),
    [
        ({}, "of which new sounds would be made"),
        ({"loop": True}, "of which loops would be made"),
        ({"like": tone(440), "class_name": "kick"}, "of which sounds of a class would be made"),
    ],
)
def test_what_needs_its_sounds_is_refused_with_the_reason(
    model: LoadedModel, request_: dict[str, Any], what: str
) -> None:
    with pytest.raises(GenerationError, match="was shared without its sounds") as told:
        model.generate(1, **request_)
    assert what in str(told.value)
    assert "it makes variations, morphs and continuations" in str(told.value)


def test_sounds_are_compared_with_none_and_it_is_said(bare: Path, run: Run) -> None:
    sound(Path("a.wav"))
    told = run("generate", bare, "-n", "2", "-o", "out", "--like", "a.wav")
    assert told.exit_code == 0, told.stderr
    assert "shared without its sounds, so the new ones are compared with none" in told.stdout
    assert "nearest" not in told.stdout
    (call,) = json.loads(Path("out/generate.json").read_text())["calls"]
    assert {key: call["sounds"][0][key] for key in ("nearest", "distance_db", "novelty")} == {
        "nearest": None,
        "distance_db": None,
        "novelty": None,
    }
    page = Path("out/listen.html").read_text()
    assert "so they are compared with none" in page
    assert "nearest</button>" not in page
    assert page.count('class="row"') == 2
    assert [path.suffix for path in Path("out/listen_files").glob("*nearest*")] == []
    run("generate", bare, "-o", "more").is_mistake("of which new sounds would be made")
    run("generate", bare, "--like", "kick_1").is_mistake("no such file", "knows no sounds by name")


def test_it_codes_as_before(bare: Path, model: LoadedModel, run: Run) -> None:
    whole = distill.load(bare.with_name("whole.distillgan"))
    assert model.codec.digest == whole.codec.digest
    sound(Path("a.wav"))
    assert run("reconstruct", bare, "a.wav", "-o", "out").exit_code == 0
    assert run("encode", bare, "a.wav", "-o", "codes").exit_code == 0
    told = run("decode", "codes/a.distillcodes", "--model", bare, "-o", "back")
    assert told.exit_code == 0, told.stderr
    assert soundfile.info("back/a.wav").frames == soundfile.info("a.wav").frames
