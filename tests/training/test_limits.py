"""A limit of minutes holds in every stage, to one step, whatever else takes time."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from distill.training.stage_module import StageModule
from distill.training.stages import STAGES
from distill.training.steps import schedule
from tests.helpers.runs import Train
from tests.helpers.stage_cases import CODEC, PHASE, PRIOR, StageCase, prepare
from tests.helpers.whole_runs import Whole

STEP_S, PREPARING_S, HELD_OUT_S, CLOSING_S = 5.0, 100.0, 30.0, 200.0
Wound = Callable[[float], None]


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the clock of the stages, each of their parts takes long."""
    now_s = [1000.0]
    monkeypatch.setattr(schedule, "time", SimpleNamespace(monotonic=lambda: now_s[0]))

    def slow_down(kind: type, name: str, seconds: float) -> None:
        usual = getattr(kind, name)

        def slowly(self: object, *args: Any, **options: Any) -> Any:
            now_s[0] += seconds
            return usual(self, *args, **options)

        monkeypatch.setattr(kind, name, slowly)

    slow_down(StageModule, "training_step", STEP_S)
    slow_down(StageModule, "on_validation_epoch_end", HELD_OUT_S)
    for kind in STAGES.values():
        slow_down(kind, "prepare", PREPARING_S)
        slow_down(kind, "close", CLOSING_S)


@pytest.mark.parametrize("case", [CODEC, PHASE, PRIOR], ids=lambda case: case.name)
def test_a_limit_holds_to_one_step(
    case: StageCase,
    slow: None,
    train_here: Train,
    whole: Whole,
    all_sounds: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Steps of 5 s, a limit of 12 s: three of them, and what is said of the time agrees."""
    prepare(monkeypatch)
    if case is not CODEC:
        shutil.copytree(whole(CODEC) / "outputs", tmp_path / "outputs")
    group = STAGES[case.stage].limits_in
    limits = (f"{group}.max_epochs=null", f"{group}.max_minutes=0.2")
    run_dir = train_here("run", *case.words, *all_sounds, *limits, "callbacks.progress=null")
    lines = (run_dir / "progress.jsonl").read_text().splitlines()
    rows = [row for row in map(json.loads, lines) if row["event"] in ("epoch", "stage")]
    epoch, stage = rows
    assert epoch["is_trained"]
    assert epoch["elapsed_s"] == 3 * STEP_S + HELD_OUT_S, "neither what came before"
    assert stage["summary"]["elapsed_s"] == epoch["elapsed_s"], "nor what comes after"
    assert epoch["left_s"] > 0, "the stage is not closed yet"
