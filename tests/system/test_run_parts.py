"""A path in a run, given in place of the run: it works, or the answer is what to give."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from distill.catalog.catalog import Catalog
from distill.catalog.conversion import bundle_of
from distill.errors import DistillError, LibraryError, RunError
from distill.runs.folder import run_to_resume
from distill.settings.overrides import parse_overrides
from distill.sweep.results import results
from tests.helpers.made_bundle import make_bundle, publish_bundle

RUN = Path("out/my run")
PARTS = (
    *("checkpoints", "checkpoints/best.ckpt", "checkpoints/none.ckpt", "config.yaml", "train.log"),
    *("last.distillgan", "previews/epoch 1/kick.wav"),
)
"""Of a run, but not what goes on with it."""


@pytest.fixture(autouse=True)
def run_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run, seen from the folder that it is in."""
    monkeypatch.chdir(tmp_path)
    run = tmp_path / RUN
    (run / "checkpoints").mkdir(parents=True)
    (run / "previews/epoch 1").mkdir(parents=True)
    for name in ("config.yaml", "train.log", "checkpoints/last.ckpt", "checkpoints/best.ckpt"):
        (run / name).write_text("x")
    (run / "previews/epoch 1/kick.wav").touch()
    make_bundle(run / "last.distillgan")
    return run


def answer(work: Callable[[], object], kind: type[DistillError] = DistillError) -> str:
    """The error, in one line."""
    with pytest.raises(kind) as error:
        work()
    (line,) = str(error.value).splitlines()
    return line


@pytest.mark.parametrize("wanted", ["", "checkpoints/last.ckpt", "checkpoints/vocoder_last.ckpt"])
def test_a_run_is_resumed_by_its_last_checkpoint(run_dir: Path, wanted: str) -> None:
    (run_dir / "checkpoints/vocoder_last.ckpt").touch()
    for typed in (f"{run_dir}/{wanted}", str(RUN / wanted)):
        assert run_to_resume(Path("runs"), typed) == run_dir


def test_a_run_is_resumed_from_inside_of_it(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run_dir / "checkpoints")
    assert run_to_resume(Path("runs"), "last.ckpt") == run_dir
    assert str(run_dir) in answer(lambda: run_to_resume(Path("runs"), "best.ckpt"))
    monkeypatch.chdir(run_dir)
    for typed in (".", "checkpoints/last.ckpt"):
        assert run_to_resume(Path("runs"), typed) == run_dir
    assert "no such folder" in answer(lambda: run_to_resume(Path("runs"), "../other"))


@pytest.mark.parametrize("part", PARTS)
def test_other_parts_are_answered_with_the_run(run_dir: Path, part: str) -> None:
    line = answer(lambda: run_to_resume(Path("runs"), str(RUN / part)), RunError)
    (typed,) = shlex.split(line.partition("; type ")[2])
    assert typed == f"resume={RUN}"
    assert run_to_resume(Path("runs"), typed.removeprefix("resume=")) == run_dir


def test_a_folder_of_runs_is_answered_with_the_newest(run_dir: Path) -> None:
    line = answer(lambda: run_to_resume(Path("runs"), "out"), RunError)
    assert line.endswith(f"such as resume='{RUN}'")


@pytest.mark.parametrize("part", [*PARTS, "checkpoints/last.ckpt"])
def test_a_file_of_a_run_alone_is_no_setting(run_dir: Path, part: str) -> None:
    line = answer(lambda: parse_overrides([str(RUN / part)]))
    assert line.endswith(f"""type "resume='{RUN}'\"""")


@pytest.mark.parametrize("part", ["checkpoints", "checkpoints/best.ckpt", "none", "train.log"])
def test_the_run_stands_for_its_model(run_dir: Path, part: str) -> None:
    library = Catalog(Path("library"))
    line = answer(lambda: library.model_path(str(RUN / part)), LibraryError)
    assert line.endswith(f"no best model yet; give the last: {RUN}/last.distillgan")
    make_bundle(run_dir / "best.distillgan")
    line = answer(lambda: library.model_path(str(RUN / part)), LibraryError)
    given = line.partition("give the folder of its run: ")[2]
    assert library.model_path(given) == RUN / "best.distillgan"
    assert library.model_path(f"{RUN}/last.distillgan") == RUN / "last.distillgan"


def test_a_run_without_a_model_says_so(run_dir: Path) -> None:
    (run_dir / "last.distillgan").unlink()
    line = answer(lambda: Catalog(Path("library")).model_path(str(RUN)), LibraryError)
    assert line.endswith("its run has not saved a model yet")
    assert answer(lambda: Catalog(Path("library")).model_path("out/none")).endswith("no such file")
    line = answer(lambda: Catalog(Path("library")).model_path(str(run_dir.parent)))
    assert line.endswith(f"is a folder of runs, not a model; give one of them, such as {run_dir}")


def test_a_folder_of_runs_does_not_hide_a_model(run_dir: Path) -> None:
    library = Catalog(Path("library"))
    publish_bundle(library, "out")
    assert library.model_path("out") == Path("library/out.distillgan")


@pytest.mark.parametrize("part", ["checkpoints", "config.yaml"])
def test_add_names_the_run(run_dir: Path, part: str) -> None:
    make_bundle(run_dir / "best.distillgan")

    def add() -> None:
        with bundle_of(RUN / part, {}):
            pass

    assert answer(add, LibraryError).endswith(f"give the folder of its run: {RUN}")


def test_the_leaderboard_names_the_sweep(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in ("0", "1"):
        job = Path("multirun/sweep", number)
        (job / "checkpoints").mkdir(parents=True)
        (job / "job.json").write_text("{}")
        (job / "config.yaml").touch()
    assert len(results(Path("multirun/sweep"))) == 2
    for part in ("0", "1/config.yaml", "0/checkpoints", "leaderboard.csv"):
        line = answer(lambda part=part: results(Path("multirun/sweep", part)))
        assert line.endswith("inside of one; give multirun/sweep")
    monkeypatch.chdir("multirun/sweep")
    assert "inside of one" not in answer(lambda: results(Path("../other")))
    monkeypatch.chdir("../..")
    assert answer(lambda: results(Path("multirun"))).endswith("such as multirun/sweep")
    assert "not the folder of a sweep" in answer(lambda: results(RUN))
