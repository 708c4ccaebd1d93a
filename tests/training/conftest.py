"""Tiny runs that are made once for all tests; those who go on with one copy it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from distill.settings.compose import load_config
from distill.training.run import train
from tests.helpers.shared import made_once
from tests.helpers.sounds import write_sounds
from tests.helpers.stage_cases import (
    CODEC,
    StageCase,
    add_toy,
    judge_vocoders,
    make_the_first_epoch_best,
)

Whole = Callable[[StageCase], Path]


@pytest.fixture(scope="session")
def all_sounds(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Overrides for a folder of sounds and its cache."""
    folder = made_once(tmp_path_factory, "data", lambda path: write_sounds(path / "sounds"))
    places = (f"data.root={folder}/sounds", f"data.cache_dir={folder}/cache")
    return (*places, "data.val_fraction=0.4", "callbacks.previews=null")


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory, all_sounds: tuple[str, ...]) -> Whole:
    """A folder with a stage's finished `run` and its library; a later stage's base is the codec of
    the first. Its best epoch is the first one.
    """

    def make(case: StageCase) -> Path:
        def work(folder: Path) -> None:
            if case.stage != CODEC.stage:
                shutil.copytree(make(CODEC) / "outputs", folder / "outputs")
            (folder / "run").mkdir()
            with pytest.MonkeyPatch.context() as patch:
                patch.chdir(folder)
                prepare(patch)
                train(load_config([*case.words, *all_sounds]), folder / "run")

        return made_once(tmp_path_factory, case.name, work)

    return make


def prepare(patch: pytest.MonkeyPatch) -> None:
    """Have the toy among the stages, every vocoder judged as better, the first epoch as best."""
    add_toy(patch)
    judge_vocoders(patch, 1.5)
    make_the_first_epoch_best(patch)
