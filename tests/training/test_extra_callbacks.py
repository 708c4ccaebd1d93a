"""`callbacks.extra`: a Lightning callback of one's own, in a module of one's own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.helpers.checkout import REPOSITORY
from tests.helpers.runs import TINY
from tests.helpers.verbs import Run

GUIDE = (REPOSITORY / "docs" / "python.md").read_text(encoding="utf-8")


@pytest.fixture
def watch(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The module of the guide, in the folder that distill is started in."""
    found = re.search(r"```python\n(# watch\.py\n.*?)```", GUIDE, re.S)
    assert found
    (here / "watch.py").write_text(found[1], encoding="utf-8")
    monkeypatch.syspath_prepend(here)  # as `python -m` does
    return here


def test_the_guides_callback_runs_as_typed_there(run: Run, watch: Path, sounds: Path) -> None:
    found = re.search(r"python -m distill\.train (\S+) (\+callbacks.*)", GUIDE)
    assert found
    assert f"callbacks.extra.{found[2].split('.')[2]}." in found[2]
    told = run("train", "sounds", *TINY, *found[2].split())
    assert (told.exit_code, told.err) == (0, [])
    rows = [line for line in told.out if line.startswith("epoch ")]
    marked = [line for line in told.out if line.startswith("held-out mel error ")]
    assert len(rows) == len(marked) == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("mine._target_=nowhere.Watch",), "No module named 'nowhere'"),
        (("mine._target_=watch.Wotch",), "cannot be made"),
        (("mine._target_=watch.Watch", "mine.colour=red"), "colour"),
        (("mine._target_=builtins.dict",), "is no lightning.Callback"),
        (("mine.below_db=3",), "needs the name of a class"),
    ],
    ids=str,
)
def test_a_mistake_is_one_line_before_the_run_begins(
    run: Run, watch: Path, sounds: Path, words: tuple[str, ...], told: str
) -> None:
    given = [f"+callbacks.extra.{word}" for word in words]
    run("train", "sounds", *TINY, *given).is_mistake("callbacks.extra.mine", told)
    assert not list(watch.glob("outputs/train/*"))


def test_a_class_that_is_not_there_is_told_before_sounds_are_read(run: Run) -> None:
    words = ("--cfg", "job", "+callbacks.extra.mine._target_=watch.Wotch")
    run("train", *words).is_mistake("callbacks.extra.mine._target_=watch.Wotch", "cannot be made")
