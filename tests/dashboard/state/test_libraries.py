"""Libraries that a dashboard was started with, told where the library of today is empty."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from distill.catalog.catalog import Catalog
from distill.dashboard.state import libraries
from distill.dashboard.state.models import Models
from distill.dashboard.state.places import Places
from tests.helpers.fake_calls import entry_of
from tests.helpers.made_bundle import publish_bundle


@pytest.fixture(autouse=True)
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of this test's own."""
    file = tmp_path / "state" / "dashboard.json"
    monkeypatch.setattr(libraries, "memory", lambda: file)
    return file


def others(places: Places) -> list[dict[str, str]]:
    """What the page is told of other libraries."""
    value = Models(places).show("")
    assert value is not None
    return list(value["others"])


def test_an_empty_library_says_where_others_are(places: Places, tmp_path: Path) -> None:
    full = tmp_path / "my library"
    publish_bundle(Catalog(full), "kit")
    for folder in (full, tmp_path / "gone", places.library):
        libraries.remember(folder)
    (told,) = others(places)
    assert (told["folder"], told["models"]) == (str(full), "1 model")
    assert told["command"] == f"python -m distill.dashboard --library '{full}'"
    entry_of(places)
    assert others(places) == []


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"[]", b'{"libraries": 3}', b'{"libraries": [3, "x", "/no\\u0000"]}']
)
def test_a_damaged_memory_is_no_reason_to_fail(
    places: Places, memory: Path, content: bytes
) -> None:
    memory.parent.mkdir()
    memory.write_bytes(content)
    assert others(places) == []
    libraries.remember(places.library)
    assert json.loads(memory.read_text())["libraries"][0] == str(places.library)


def test_a_memory_that_cannot_be_written_is_no_reason_to_fail(places: Places, memory: Path) -> None:
    memory.parent.write_bytes(b"a file where the folder would be")
    libraries.remember(places.library)
    assert others(places) == []
