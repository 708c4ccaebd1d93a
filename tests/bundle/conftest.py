"""One good bundle for all that spoil copies of it, and libraries to fill."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from distill.bundle.catalog import Catalog
from distill.bundle.format import write_bundle
from tests.bundle.made_bundle import published
from tests.bundle.tiny_bundle import Content, fields_of, tiny_model


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good bundle; read only."""
    path = tmp_path_factory.mktemp("bundle") / "good.distillgan"
    write_bundle(path, fields_of(tiny_model()))
    return path


@pytest.fixture(scope="module")
def content(written: Path) -> Content:
    """What is in the good bundle; copy before changing it."""
    loaded: Content = torch.load(written, weights_only=True)
    return loaded


@pytest.fixture
def library(tmp_path: Path) -> Catalog:
    """A library that is not there yet."""
    return Catalog(tmp_path / "library")


@pytest.fixture
def two(library: Catalog) -> Catalog:
    """A library of two models."""
    published(library, "one")
    published(library, "two")
    return library
