"""Where the tests' dashboards read and write."""

from __future__ import annotations

from pathlib import Path

import pytest

from distill.dashboard.state.places import Places
from distill.dashboard.state.runs import Runs


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """Folders that are not there yet."""
    return Places(tmp_path / "outputs", tmp_path / "outputs" / "library")


@pytest.fixture
def runs(places: Places) -> Runs:
    """The runs below them."""
    return Runs(places)
