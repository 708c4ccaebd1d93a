"""The tables of fields: each fills in what a request has, and wrong input is told."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from distill.dashboard.state.runs import RunRequest
from distill.dashboard.state.sounds_request import AGAIN, WAYS, SoundsRequest
from distill.errors import DistillError

GIVEN = {"first", "here", "second", "second_here"}
"""Fields of which sounds are made."""


def said(table: Any, **typed: Any) -> dict[str, Any]:
    """What is read of fields that say what they say at first, but for those that are `typed`."""
    from distill.dashboard.pages.fields import Form

    return Form(table).read([typed.get(field.key, field.value) for field in table])


def test_the_train_tab_fills_in_a_request() -> None:
    from distill.dashboard.pages.train_fields import FIELDS

    assert {field.key for field in FIELDS} == {field.name for field in fields(RunRequest)}
    request = RunRequest(
        **said(FIELDS, folder=" /sounds ", minutes="0,5", stages=["prior", "codec"])
    )
    assert request == RunRequest(
        "/sounds", levels=3, commitment_weight=0.25, minutes=0.5, stages=("codec", "prior")
    )


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"folder": " "}, "type the folder of your sounds above"),
        ({"stages": ["prior"]}, "a new run begins with the codec"),
        ({"epochs": "0"}, "Epochs: 0 is not a whole number"),
        ({"learning_rate": "x"}, "Learning rate: x is not a number"),
    ],
)
def test_the_train_tab_says_what_cannot_be(typed: dict[str, Any], told: str) -> None:
    from distill.dashboard.pages.train_fields import FIELDS

    with pytest.raises(DistillError, match=told):
        said(FIELDS, **{"folder": "/sounds", **typed})


def test_the_generate_tab_fills_in_a_request() -> None:
    from distill.dashboard.pages.generate_fields import FIELDS

    asked = said(FIELDS, model="kit.distillgan", seed="7", length_s="1.5")
    assert {*asked} - GIVEN - {"model"} == {field.name for field in fields(SoundsRequest)} - {
        "sounds"
    }
    values = {key: value for key, value in asked.items() if key not in {"model", *GIVEN}}
    assert SoundsRequest(**values) == SoundsRequest(
        seed=7, temperature=1.0, length_s=1.5, amount=0.3
    )
    with pytest.raises(DistillError, match="there is no model yet"):
        said(FIELDS)


@pytest.mark.parametrize("name", ["any", "any class", "none"])
def test_a_class_of_any_name_can_be_asked_for(name: str) -> None:
    from distill.dashboard.pages.generate_fields import ANY_CLASS, FIELDS

    assert said(FIELDS, model="kit", class_name=name)["class_name"] == name
    assert said(FIELDS, model="kit", class_name=ANY_CLASS[1])["class_name"] is None


def test_each_way_has_the_fields_that_its_command_has() -> None:
    from distill.dashboard.pages.generate_fields import FIELDS, WAYS_OF

    assert {*WAYS_OF} < {field.key for field in FIELDS}
    for key, option in (
        ("count", "--count"),
        ("length_s", "--length"),
        ("amount", "--amount"),
        ("temperature", "--temperature"),
        ("per_class", "--per-class"),
        ("robins", "--round-robins"),
        ("layers", "--layers"),
        ("bpm", "--bpm"),
        ("bars", "--bars"),
        ("rate_hz", "--rate"),
        ("bits", "--bits"),
        ("normalise", "--normalise"),
    ):
        for way in WAYS:
            sounds = (Path("a.wav"), Path("b.wav"))
            request = SoundsRequest(
                way=way,
                length_s=1.0,
                amount=0.5,
                temperature=1.0,
                sounds=sounds,
                rate_hz=48_000,
                bits=16,
                normalise=True,
            )
            if key in ("bpm", "bars"):
                request = replace(request, bpm=120.0, bars=2)
            words = request.words(Path("kit.distillgan"), Path("out"), 0)
            assert (way in WAYS_OF[key]) == any(word.startswith(option) for word in words)
            assert (way in WAYS_OF["second"]) == ("b.wav" in words)
    assert AGAIN in WAYS_OF["first"]


def test_a_tempo_says_how_long_a_loop_is() -> None:
    from distill.dashboard.pages.generate_fields import is_shown

    assert is_shown("length_s", "loop", " ")
    assert not is_shown("length_s", "loop", "120")
    assert is_shown("length_s", "new", "120"), "a field that is hidden there"


def test_what_is_typed_into_a_field_that_is_not_shown_is_not_read() -> None:
    from distill.dashboard.pages.fields import Form
    from distill.dashboard.pages.generate_fields import FIELDS

    typed = {"model": "kit", "bpm": "fast"}
    values = [typed.get(field.key, field.value) for field in FIELDS]
    assert Form(FIELDS).read(values, hidden=["bpm"])["bpm"] is None
    with pytest.raises(DistillError, match="Tempo: fast is not a number from 30 to 300"):
        Form(FIELDS).read(values)


def test_a_kit_has_the_sample_rates_of_its_command() -> None:
    from distill.dashboard.pages.generate_fields import rate_choices
    from distill.generation.ranges import KIT_RATES_HZ

    assert {rate or KIT_RATES_HZ[0] for _, rate in rate_choices("kit")} == {*KIT_RATES_HZ}
    assert [rate for _, rate in rate_choices("new")] == [0, 44_100, 48_000, 96_000]
