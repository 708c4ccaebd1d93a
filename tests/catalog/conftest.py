"""Libraries to fill."""

from __future__ import annotations

from pathlib import Path

import pytest

from distill.catalog.catalog import Catalog
from tests.helpers.made_bundle import publish_bundle


@pytest.fixture
def library(tmp_path: Path) -> Catalog:
    """A library that is not there yet."""
    return Catalog(tmp_path / "library")


@pytest.fixture
def two(library: Catalog) -> Catalog:
    """A library of two models."""
    publish_bundle(library, "one")
    publish_bundle(library, "two")
    return library
