"""While a prior learns, there are new sounds to hear; they change nothing, and go at the end."""

from __future__ import annotations

import errno
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from distill.errors import WriteError
from distill.training.interrupt import RunStopped
from distill.training.prior import first_sounds
from tests.helpers.listening import read_page
from tests.helpers.runs import Train
from tests.helpers.stage_cases import CODEC, PRIOR, assert_equal, prepare, state_of
from tests.helpers.stop_at import stop_at
from tests.helpers.whole_runs import Whole

EARLY = Path("run/new_sounds_early")


@pytest.fixture
def words(
    whole: Whole, all_sounds: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, ...]:
    """Overrides of a prior that makes its first sounds as soon as its first epoch has ended."""
    monkeypatch.setattr(first_sounds, "AFTER_S", 0.0)
    prepare(monkeypatch)
    shutil.copytree(whole(CODEC) / "outputs", tmp_path / "outputs")
    return (*PRIOR.words, *all_sounds)


def heard() -> list[Any]:
    """The folders with something new that the run told of."""
    rows = map(json.loads, Path("run/progress.jsonl").read_text().splitlines())
    return [row["folder"] for row in rows if row["event"] == "listen"]


@pytest.mark.slow
def test_the_first_sounds_come_while_the_prior_learns_and_go_when_it_has(
    words: tuple[str, ...],
    train_here: Train,
    whole: Whole,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(RunStopped):
        train_here("run", *words, *stop_at(14, stage="prior"))
    assert len(list(EARLY.glob("kit_0_00?.wav"))) == first_sounds.SOUNDS
    assert len(read_page(EARLY / "listen.html").names) == first_sounds.SOUNDS
    told = "first new sounds to listen to: run/new_sounds_early/listen.html"
    assert capsys.readouterr().out.count(told) == 1
    assert heard() == [EARLY.name]
    train_here("run", resume=True)
    assert told not in capsys.readouterr().out, "they are there already"
    assert not EARLY.exists()
    assert len(list(Path("run/new_sounds").glob("kit_0_00?.wav"))) == 8
    assert_equal(state_of(whole(PRIOR) / "run", PRIOR), state_of(Path("run"), PRIOR))


@pytest.mark.slow
def test_no_room_for_them_is_no_reason_to_end_the_run(
    words: tuple[str, ...],
    train_here: Train,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(target: Any, *_: object) -> None:
        cause = OSError(errno.ENOSPC, "No space left on device")
        raise WriteError(target.folder, cause) from cause

    monkeypatch.setattr(first_sounds.NewSounds, "add", fail)
    run_dir = train_here("run", *words)
    assert "no first new sounds: No space left on device" in caplog.messages
    assert json.loads((run_dir / "summary.json").read_text())["finished"]
    assert not heard()
