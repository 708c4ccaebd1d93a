"""Runs inside the test process: the same path as the verb's, without importing torch each time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from distill.settings.compose import load_config, resume_config
from distill.training.run import train
from tests.conftest import TINY

Train = Callable[..., Path]


@pytest.fixture
def train_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Train:
    """Train (or resume) `tmp_path/NAME` with overrides on top of the tiny configuration."""
    monkeypatch.chdir(tmp_path)

    def run(name: str, *overrides: str, resume: bool = False) -> Path:
        run_dir = tmp_path / name
        run_dir.mkdir(exist_ok=True)
        if resume:
            train(resume_config(run_dir / "config.yaml", overrides), run_dir, resume=True)
        else:
            train(load_config([*TINY, *overrides]), run_dir)
        return run_dir

    return run
