"""Tiny models with a prior."""

from __future__ import annotations

from pathlib import Path

import pytest

import distill
from distill.bundle.loaded import LoadedModel
from tests.helpers.made_bundle import make_bundle
from tests.helpers.tiny_bundle import prior_state


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def drummer(folder: Path) -> LoadedModel:
    """A tiny model with a prior."""
    return distill.load(
        make_bundle(folder / "kit.distillgan", fields={"prior_state": prior_state()})
    )


@pytest.fixture(scope="module")
def unlearnt(folder: Path) -> LoadedModel:
    """One whose prior learnt nothing."""
    state = prior_state()
    state["training_metadata"]["final_bits_per_s"] = 901.0
    return distill.load(make_bundle(folder / "few.distillgan", fields={"prior_state": state}))
