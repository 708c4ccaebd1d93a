"""Fixtures: tiny runs that are made once for all tests; those who go on with one copy it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from distill.settings.compose import load_config
from distill.training.run import train
from tests.helpers.runs import PREVIEWS, TINY
from tests.helpers.shared import made_once
from tests.helpers.sounds import write_sounds
from tests.helpers.stage_cases import CODEC, StageCase, prepare

Whole = Callable[[StageCase], Path]


@pytest.fixture(scope="session")
def all_sounds(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Overrides for a folder of sounds and its cache."""
    folder = made_once(tmp_path_factory, "data", lambda path: write_sounds(path / "sounds"))
    places = (f"data.root={folder}/sounds", f"data.cache_dir={folder}/cache")
    return (*places, "data.val_fraction=0.4")


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


SHOWN_NAME = "Küche 7! a[/b] [red]x"
SHOWN_AS = "kuche_7_a_b_red_x"


@pytest.fixture
def shown_run(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, str]:
    """A copy of a finished codec's run folder, and what it has said on the terminal."""

    def work(folder: Path) -> None:
        write_sounds(folder / "sounds")
        (folder / "run").mkdir()
        words = ["data.root=sounds", "data.val_fraction=0.5", f"name='{SHOWN_NAME}'"]
        words += ["trainer.max_epochs=3", "rvq.levels=3", "model.commitment_weight=0.3"]
        with pytest.MonkeyPatch.context() as patch, (folder / "out.txt").open("w") as out:
            patch.chdir(folder)
            with redirect_stdout(out):
                train(load_config([*TINY, PREVIEWS, *words]), folder / "run")

    made = made_once(tmp_path_factory, "shown", work)
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "run", (tmp_path / "out.txt").read_text()
