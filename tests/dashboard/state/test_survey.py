"""What the dashboard tells of a folder before anything is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from distill.dashboard.state.places import Places
from distill.dashboard.state.survey import Surveys
from distill.errors import RunError
from tests.helpers.runs import wait_for

pytestmark = pytest.mark.slow


def found_in(folder: str, tmp_path: Path) -> dict[str, Any]:
    surveys = Surveys(Places(tmp_path / "outputs", tmp_path / "library"))
    surveys.look(folder, again=True)
    wait_for(lambda: not surveys.look(folder)["busy"])
    return surveys.look(folder)


def test_what_was_found_and_the_codebook_size_with_its_reason(sounds: Path, tmp_path: Path) -> None:
    (sounds / "notes.txt").write_text("no sound")
    found = found_in(f" {sounds} ", tmp_path)
    assert found["sounds"].startswith("sounds: 12 files, 6.0 s in all; ")
    assert found["sounds"].endswith("left out: 1 not audio")
    assert (found["codebook"], found["done"], found["total"]) == (32, 13, 13)
    assert "12 files suggest 64" in found["reason"]


def test_a_folder_without_sounds_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "the folder is empty" in found_in(str(tmp_path / "empty"), tmp_path)["error"]


@pytest.mark.parametrize("folder", ["/no/such folder", "a\0b", "x" * 5_000])
def test_what_is_no_folder_is_told_at_once(folder: str, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no such folder"):
        found_in(folder, tmp_path)


def test_two_pages_have_a_survey_each(sounds: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    surveys = Surveys(Places(tmp_path / "outputs", tmp_path / "library"))
    asked = {"first": f"'{sounds}', '{sounds}/'", "second": str(empty)}
    for page, folder in asked.items():
        surveys.look(folder, page=page, again=True)
    wait_for(
        lambda: not any(surveys.look(folder, page=page)["busy"] for page, folder in asked.items())
    )
    found = {page: surveys.look(folder, page=page) for page, folder in asked.items()}
    assert found["first"]["sounds"].startswith("sounds: 12 files")
    assert "the folder is empty" in found["second"]["error"]
