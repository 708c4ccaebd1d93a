"""Rows of every kind → JSON → the same rows; what distill did not write is no row."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distill.codec.description import LevelHealth
from distill.codec.level_health import SideHealth
from distill.runs.progress import read_row
from distill.runs.rows import (
    KINDS,
    EpochRow,
    Row,
    StartRow,
    plain_values,
)
from distill.system.json_values import without_nan
from tests.helpers.rows import PLAIN, ROWS, line_of, mangle

QUICK = settings(deadline=None, max_examples=60)
EPOCH = EpochRow("codec", 1, 9, {"val/loss": 0.5}, {}, [], 0, 1.0, None)


def test_each_kind_of_row_is_tried() -> None:
    assert ROWS.keys() == set(KINDS.values())


@pytest.mark.parametrize("kind", ROWS)
def test_a_row_comes_back_as_it_was_written(kind: type[Row]) -> None:
    @QUICK
    @given(ROWS[kind])
    def comes_back(row: Row) -> None:
        written = read_row(line_of(row))
        assert written is not None
        assert written.time_s == 1.5
        assert plain_values(written.row).keys() == plain_values(row).keys()
        assert without_nan(plain_values(written.row)) == without_nan(plain_values(row))

    comes_back()


@pytest.mark.parametrize("kind", ROWS)
def test_a_row_is_refused_or_of_its_types_whatever_its_values_are(kind: type[Row]) -> None:
    @QUICK
    @given(ROWS[kind], st.data())
    def is_refused_or_typed(row: Row, data: st.DataObject) -> None:
        written = read_row(mangle(row, data))
        assert written is None or type(written.row) is kind
        if written is not None:
            assert read_row(line_of(written.row)) is not None

    is_refused_or_typed()


@QUICK
@given(ROWS[EpochRow], st.integers(0, 400))
def test_a_part_of_a_line_is_no_row(row: Row, end: int) -> None:
    line = line_of(row)
    assert read_row(line[: min(end, len(line) - 1)]) is None


@QUICK
@given(st.binary(max_size=40) | PLAIN.map(lambda value: json.dumps(value).encode()))
def test_what_is_no_row_is_nothing(line: bytes) -> None:
    assert read_row(line) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"event": "later"},
        {"event": ["epoch"]},
        {"time_s": None},
        {"time_s": "now"},
        {"time_s": math.nan},
        {"epoch": True},
        {"epoch": 1.0},
        {"epoch": 10**40},
        {"figures": {"val/loss": "x"}},
        {"figures": [0.5]},
        {"news": "level 1"},
        {"news": [1]},
        {"details": {"health": 5}},
        {"details": {"health": {"levels": [{}]}}},
        {"details": {"heard": 5}},
        {"elapsed_s": None},
    ],
)
def test_odd_values_are_refused(changes: dict[str, object]) -> None:
    assert read_row(line_of(EPOCH)) is not None
    assert read_row(line_of(EPOCH, **changes)) is None


@pytest.mark.parametrize("pid", [0, -1, 2**31, 10**30, "1", None])
def test_what_cannot_be_a_process_is_refused(pid: object) -> None:
    row = StartRow(1, 1.0, False, None, ["codec"], {})
    assert read_row(line_of(row, pid=pid)) is None


def test_keys_of_a_later_distill_are_ignored() -> None:
    written = read_row(line_of(EPOCH, mood="good"))
    assert written is not None
    assert written.row == EPOCH


def test_health_is_read_by_its_type() -> None:
    levels = [{"utilization": 0.5, "perplexity": 20.0, "dead_codes": 3}]
    health = {"levels": levels, "positions": 90, "codebook_size": 64, "complete": False}
    row = replace(EPOCH, details={"closeness": "rough", "health": health})
    assert row.health == SideHealth((LevelHealth(0.5, 20.0, 3),), 90, 64)
    assert EPOCH.health is None


@pytest.mark.parametrize(
    ("settings", "roots"),
    [
        ({}, []),
        ({"data": 5}, []),
        ({"data": {"root": None}}, []),
        ({"data": {"root": "a"}}, ["a"]),
        ({"data": {"root": ["a", 5, "b"]}}, ["a", "b"]),
    ],
)
def test_the_folders_of_sounds_are_texts(settings: dict[str, Any], roots: list[str]) -> None:
    assert StartRow(1, 1.0, False, None, ["codec"], settings).roots == roots
