"""Files that strangers send run nothing, reach nothing, and are refused in one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.checkout import REPOSITORY
from tests.helpers.runs import environment

pytestmark = pytest.mark.slow

FILES = int(os.environ.get("DISTILL_STRANGERS", "600"))
"""More of them, 10,000 say, take some minutes."""


def test_files_of_strangers_run_nothing_and_reach_nothing(tmp_path: Path) -> None:
    program = str(REPOSITORY / "tests" / "helpers" / "strangers.py")
    answer = subprocess.run(
        [sys.executable, program, str(tmp_path / "here"), str(FILES)],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout.splitlines()[-1])
    assert found["trap_works"]
    assert not found["canary"]
    assert found["noted"] == {}
    assert found["controls"] == []
    assert set(found["outcomes"]) <= {"refused", "opened"}, found["outcomes"]
    assert found["outcomes"]["refused"] > FILES / 2
    assert found["files"] == ["library"]
    assert found["peak_mib"] < 1024
