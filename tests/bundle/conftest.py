"""One good bundle for all that spoil copies of it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from distill.bundle.format import write_bundle
from tests.helpers.tiny_bundle import Content, fields_of, tiny_model


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
