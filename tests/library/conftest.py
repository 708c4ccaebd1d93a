"""The verb `library`, and libraries for it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from distill.catalog.catalog import Catalog
from distill.catalog.index import DEFAULT_FOLDER
from tests.helpers.made_bundle import VOCODER, publish_bundle
from tests.helpers.verbs import Run, Say


@pytest.fixture
def say(run: Run) -> Say:
    """`library` in this process, in an empty folder."""
    return partial(run, "library")


@pytest.fixture
def models(tmp_path: Path) -> Catalog:
    """The library that is used where none is given."""
    return Catalog(tmp_path / DEFAULT_FOLDER)


@pytest.fixture
def kit(models: Catalog) -> Catalog:
    """A library of one model."""
    publish_bundle(
        models, "My Kit", fields=VOCODER, model_id="abcd111122223333", description="808s"
    )
    return models
