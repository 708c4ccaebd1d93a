"""untrusted plain values → a dataclass, or an error that names the key."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import pytest

from distill.system import validation
from distill.system.ranges import any_float, nan_as_null, not_empty, one_of, or_null, parts, within
from distill.system.validation import LONGEST_TEXT, InvalidError, instance_of


@dataclass(frozen=True)
class Part:
    size: int
    share: float


@dataclass(frozen=True)
class Whole:
    count: int
    share: float = field(metadata=within(0, 1, strictly_above=True))
    flag: bool
    word: str = field(metadata=one_of("a", "b"))
    name: str = field(metadata=not_empty())
    loss: float | None = field(metadata=any_float())
    sizes: tuple[int, ...] = field(metadata=within(1, 9))
    curves: dict[str, list[float | None]]
    part: Part = field(metadata=parts(size=within(2, 4)))
    anything: dict[str, Any]
    note: str = "none"
    later: Part | None = None


GOOD: dict[str, Any] = {
    "count": -3,
    "share": 0.5,
    "flag": True,
    "word": "a",
    "name": "kit",
    "loss": None,
    "sizes": [1, 2],
    "curves": {"one": [1, 0.5, None]},
    "part": {"size": 2, "share": 0.5},
    "anything": {"x": object},
}


def refused(**changes: Any) -> str:
    with pytest.raises(InvalidError) as caught:
        instance_of(Whole, {**GOOD, **changes})
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 300
    assert message.startswith((caught.value.key, "the key "))
    return message


def test_values_become_fields() -> None:
    assert instance_of(Whole, {**GOOD, "unknown": 5}) == Whole(
        count=-3,
        share=0.5,
        flag=True,
        word="a",
        name="kit",
        loss=None,
        sizes=(1, 2),
        curves={"one": [1, 0.5, None]},
        part=Part(2, 0.5),
        anything={"x": object},
    )
    full = {**GOOD, "later": {"size": 1, "share": 1}, "note": "", "loss": float("nan")}
    assert instance_of(Whole, OrderedDict(full)).later == Part(1, 1)


@pytest.mark.parametrize("key", GOOD)
def test_missing_key_is_named(key: str) -> None:
    with pytest.raises(InvalidError, match=f"^the key {key} is missing$"):
        instance_of(Whole, {name: value for name, value in GOOD.items() if name != key})


def test_missing_key_of_a_part_is_named_with_its_path() -> None:
    assert refused(part={"size": 2}) == "the key part.share is missing"


NO_NUMBERS = (None, "5", True, [5], {}, 10**40, float("nan"), float("inf"), -(10**5000))


@pytest.mark.parametrize("value", [*NO_NUMBERS, 5.0], ids=lambda value: str(type(value)))
def test_what_is_no_whole_number_is_refused(value: object) -> None:
    assert refused(count=value).startswith("count must be a whole number, not ")


@pytest.mark.parametrize("value", [*NO_NUMBERS, 0, -0.1, 1.01], ids=lambda value: str(type(value)))
def test_what_is_outside_its_range_is_refused(value: object) -> None:
    assert refused(share=value).startswith("share must be a number above 0 to 1, not ")


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("flag", 1, "flag must be true or false, not 1"),
        ("word", "c", "word must be one of a, b, not 'c'"),
        ("word", "\x1b[2J\n" * 99, "word must be one of a, b, not '\\x1b[2J\\n"),
        ("name", " ", "name must be text, not ' '"),
        ("name", ["kit"], "name must be text, not list"),
        ("name", "x" * (LONGEST_TEXT + 1), "name must be text, not 'xxx"),
        ("loss", "0.5", "loss must be a number or null, not '0.5'"),
        ("loss", 10**400, "loss must be a number or null, not a number far outside"),
        ("sizes", [1, 10], "sizes[1] must be a whole number from 1 to 9, not 10"),
        ("sizes", "12", "sizes must be a list, each entry a whole number from 1 to 9, not '12'"),
        ("curves", {"one": (1.0,)}, "curves.one must be a list"),
        ("curves", {"one": [1.0, "x"]}, "curves.one[1] must be a number or null"),
        ("curves", {"a\nb": 5}, "curves.'a\\nb' must be a list"),
        ("curves", {5: []}, "curves must have text as its keys, not 5"),
        ("curves", [], "curves must be a dictionary, not list"),
        ("part", {"size": 5, "share": 1}, "part.size must be a whole number from 2 to 4, not 5"),
        ("part", None, "part must be a dictionary, not null"),
        ("later", None, "later must be a dictionary, not null"),
        ("later", {"size": "x", "share": 1}, "later.size must be a whole number, not 'x'"),
    ],
)
def test_what_does_not_fit_is_named(key: str, value: object, told: str) -> None:
    assert refused(**{key: value}).startswith(told)


def test_sizes_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    assert validation.MOST_ENTRIES == 1_048_576
    monkeypatch.setattr(validation, "MOST_ENTRIES", 1_000)
    most = {"one": [None] * 1_000, **{str(number): [] for number in range(999)}}
    assert instance_of(Whole, {**GOOD, "curves": most}).curves == most
    one_more = {"one": [None] * 1_001}
    assert "curves.one must have at most 1,000 entries" in refused(curves=one_more)
    assert "curves must have at most 1,000 entries" in refused(curves={**most, "two": []})


@pytest.mark.parametrize("value", [None, 5, "x", [], [("count", 1)]])
def test_what_is_no_dictionary_is_refused(value: object) -> None:
    with pytest.raises(InvalidError, match="^it must be a dictionary, not "):
        instance_of(Whole, value)


@dataclass(frozen=True)
class FromJson:
    """What JSON and a row of a run need beside that."""

    figures: dict[str, float] = field(metadata=nan_as_null())
    value: float | str
    page: str | None = field(default=None, metadata=or_null())


def test_null_is_nan_where_json_has_no_nan() -> None:
    figures = instance_of(FromJson, {"figures": {"a": None, "b": 1e30}, "value": 1}).figures
    assert math.isnan(figures["a"])
    assert figures["b"] == 1e30


@pytest.mark.parametrize("value", [5, 0.5, "x"])
def test_a_value_may_be_of_one_of_several_types(value: object) -> None:
    assert instance_of(FromJson, {"figures": {}, "value": value}).value == value


@pytest.mark.parametrize("value", [None, True, [1]])
def test_a_value_of_none_of_them_is_refused(value: object) -> None:
    with pytest.raises(InvalidError, match="value must be a number or text, not"):
        instance_of(FromJson, {"figures": {}, "value": value})


@pytest.mark.parametrize("more", [{}, {"page": None}])
def test_a_key_may_be_null_or_missing(more: dict[str, object]) -> None:
    assert instance_of(FromJson, {"figures": {}, "value": 1, **more}).page is None
