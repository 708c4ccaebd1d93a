"""Files that strangers send run nothing, reach nothing, and are refused in one line."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.helpers.forks import answer_of

pytestmark = pytest.mark.slow

FILES = int(os.environ.get("DISTILL_STRANGERS", "600"))
"""More of them, 10,000 say, take some minutes."""


def test_files_of_strangers_run_nothing_and_reach_nothing(tmp_path: Path) -> None:
    told = answer_of("strangers", tmp_path, tmp_path / "here", FILES)
    found = json.loads(told.splitlines()[-1])
    assert found["trap_works"]
    assert not found["canary"]
    assert found["noted"] == {}
    assert found["controls"] == []
    assert set(found["outcomes"]) <= {"refused", "opened"}, found["outcomes"]
    assert found["outcomes"]["refused"] > FILES / 2
    assert found["files"] == ["library"]
    assert found["more_mib"] < 512
