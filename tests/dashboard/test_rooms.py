"""The rooms of the dashboard: pages know what is on disk, not the other way round."""

from __future__ import annotations

import re

import pytest

from tests.helpers.checkout import REPOSITORY

DASHBOARD = REPOSITORY / "distill" / "dashboard"
ROOMS = ("state", "pages", "server")
"""From low to high."""
IMPORT = re.compile(r"^\s*(?:from|import) distill\.dashboard\.(\w+)", re.MULTILINE)


@pytest.mark.parametrize("room", ROOMS)
def test_no_import_goes_up(room: str) -> None:
    modules = list((DASHBOARD / room).glob("*.py"))
    found = {name for module in modules for name in IMPORT.findall(module.read_text("utf-8"))}
    assert found, "a room that imports nothing of the dashboard would show nothing"
    assert found <= set(ROOMS[: ROOMS.index(room) + 1])
