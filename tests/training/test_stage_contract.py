"""What every stage keeps: it ends the same however it is interrupted, and loses nothing it had."""

from __future__ import annotations

import json
import math
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from distill.bundle.reader import read_content
from distill.errors import ConfigError, RunError
from distill.runs.folder import checkpoint_path
from distill.training.interrupt import RunStopped
from tests.helpers.curves import events_of
from tests.helpers.disks import Disk
from tests.helpers.filling import take_away
from tests.helpers.runs import Train
from tests.helpers.spoiling import spoil
from tests.helpers.stage_cases import (
    CASES,
    CODEC,
    PRIOR,
    TOY,
    StageCase,
    assert_equal,
    prepare,
    state_of,
)
from tests.helpers.stop_at import FILE, stop_at
from tests.helpers.whole_runs import Whole


def _cases(*quick: StageCase) -> list[Any]:
    """All of them; those that are not `quick` are slow."""
    return [
        pytest.param(case, id=case.name, marks=[pytest.mark.slow] * (case not in quick))
        for case in CASES
    ]


EVERY, EVERY_TOY_FIRST = _cases(TOY, CODEC), _cases(TOY)
LATER = [each for each in EVERY if each.values[0] is not CODEC]
KIT = Path("outputs/library/kit.distillgan")
EVENT = {"epoch": 1, "text": "it was so", "is_warning": False}
NAN, INFINITY = float("nan"), float("inf")
Begin = Callable[..., Path]


@pytest.fixture
def begin(
    train_here: Train,
    whole: Whole,
    all_sounds: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Begin:
    """Train a stage as the whole run did, in `run`."""
    prepare(monkeypatch)

    def work(case: StageCase, *overrides: str, name: str = "run") -> Path:
        if case.stage != CODEC.stage:
            shutil.copytree(whole(CODEC) / "outputs", tmp_path / "outputs", dirs_exist_ok=True)
        return train_here(name, *case.words, *all_sounds, *overrides)

    return work


def alter_last(run_dir: Path, case: StageCase, values: dict[str, Any]) -> None:
    """Write other values into the checkpoint that the run goes on from."""
    path = checkpoint_path(run_dir, case.stage, "last")
    checkpoint = torch.load(path, weights_only=True)
    checkpoint["distill"] |= values
    torch.save(checkpoint, path)


def rows_of(run_dir: Path, event: str) -> list[dict[str, Any]]:
    rows = map(json.loads, (run_dir / "progress.jsonl").read_text().splitlines())
    return [row for row in rows if row["event"] == event]


def summary_of(run_dir: Path, case: StageCase) -> dict[str, Any]:
    summary = json.loads((run_dir / "summary.json").read_text())
    return dict(summary["stages"][case.stage])


def load_config_of(run_dir: Path) -> dict[str, Any]:
    settings: dict[str, Any] = yaml.safe_load((run_dir / "config.yaml").read_text())
    return settings


@pytest.mark.parametrize("case", EVERY_TOY_FIRST)
def test_the_best_epoch_is_what_is_kept(whole: Whole, case: StageCase) -> None:
    run_dir = whole(case) / "run"
    best, last = (
        torch.load(checkpoint_path(run_dir, case.stage, which), weights_only=True)
        for which in ("best", "last")
    )
    frozen = [name for name in last["state_dict"] if "codec" in name or "codebooks" in name]
    assert case is CODEC or not frozen, "the bundle has the codec already"
    lengths = [len(each["distill"]["history"]["val/loss"]) for each in (best, last)]
    assert lengths == [1, case.epochs]
    content = read_content(run_dir / "best.distillgan")
    weights = content[case.adds] if case is CODEC else content[case.adds]["state_dict"]
    learnt = [name for name in weights if f"model.{name}" in best["state_dict"]]
    changed = 0
    for name in learnt:
        trained = best["state_dict"][f"model.{name}"]
        assert torch.equal(weights[name], trained.to(weights[name].dtype)), name
        changed += not torch.equal(trained, last["state_dict"][f"model.{name}"])
    assert changed, "the last epoch has other weights"
    summary = json.loads((run_dir / "summary.json").read_text())
    assert summary["finished"]
    assert summary["stages"][case.stage]["epochs"] == case.epochs


@pytest.mark.parametrize("case", LATER)
def test_a_stage_is_added_to_its_base(whole: Whole, case: StageCase) -> None:
    before = read_content(whole(CODEC) / KIT)
    after = read_content(whole(case) / KIT)
    assert case.adds not in before
    assert case.adds in after
    assert after["metadata"]["model_id"] == before["metadata"]["model_id"]
    used, own = (load_config_of(whole(each) / "run") for each in (case, CODEC))
    for key in ("mel", "model", "rvq", "seed"):
        assert used[key] == own[key], key
    assert used["data"]["segment_s"] == own["data"]["segment_s"]
    assert_equal(before, {key: after[key] for key in before})
    assert [path.name for path in (whole(case) / KIT).parent.glob("*.distillgan")] == [KIT.name]
    published, file = whole(case) / KIT, whole(case) / "run" / "best.distillgan"
    assert published.read_bytes() == file.read_bytes()
    assert not checkpoint_path(whole(case) / "run", CODEC.stage, "last").exists()


@pytest.mark.parametrize("case", EVERY)
def test_stopped_and_continued_it_ends_as_if_left_alone(
    begin: Begin, train_here: Train, whole: Whole, case: StageCase
) -> None:
    first, second = case.stops
    stops = [
        *stop_at(first, stage=case.stage, how="SIGTERM"),
        *stop_at(second, stage=case.stage, how=FILE),
    ]
    with pytest.raises(RunStopped) as stopped:
        begin(case, *stops)
    assert stopped.value.exit_code == 128 + signal.SIGTERM
    run_dir = Path("run")
    saved = torch.load(checkpoint_path(run_dir, case.stage, "last"), weights_only=True)
    assert saved["loops"]["fit_loop"]["epoch_loop.batch_progress"]["total"]["ready"] == first + 1
    assert not json.loads((run_dir / "summary.json").read_text())["finished"]
    if case is not CODEC:
        given = read_content(run_dir / "best.distillgan")
        assert case.adds not in given, "a part of a stage is not worth a voice"
        assert not KIT.samefile(run_dir / "best.distillgan")
    had = {"elapsed_s": 1000.0, "skipped_steps": 7, "events": [EVENT]}
    alter_last(run_dir, case, had)
    with pytest.raises(RunStopped) as stopped:
        train_here("run", resume=True)
    assert stopped.value.exit_code == 128 + signal.SIGINT
    assert [row["detail"] for row in rows_of(run_dir, "end")] == ["SIGTERM", "stop file"]
    train_here("run", resume=True)  # the file was for the process before
    ends = rows_of(run_dir, "end")
    assert [row["reason"] for row in ends] == ["stopped", "stopped", "finished"]
    told = [(row["stage"], row["epoch"]) for row in rows_of(run_dir, "epoch")]
    assert told == [(case.stage, epoch + 1) for epoch in range(case.epochs)]
    kept = state_of(run_dir, case)["last"]["distill"]
    assert kept["elapsed_s"] > had["elapsed_s"]
    assert kept["skipped_steps"] == had["skipped_steps"]
    assert EVENT in kept["events"]
    assert_equal(state_of(whole(case) / "run", case), state_of(run_dir, case), but=tuple(had))
    assert KIT.read_bytes() == (run_dir / "best.distillgan").read_bytes()
    assert len(list(KIT.parent.glob("*.distillgan"))) == 1


@pytest.mark.parametrize("case", EVERY)
def test_steps_that_are_not_finite_are_skipped(begin: Begin, case: StageCase) -> None:
    """As long as there are good ones between them, and they change no weight."""
    spoilt = [*spoil("batch", NAN, 1, 2), *spoil("gradient", INFINITY, 4, 5)]
    run_dir = begin(case, *spoilt, "trainer.max_bad_steps=3")
    summary = summary_of(run_dir, case)
    assert summary["skipped_steps"] == 4
    assert summary["epochs"] == case.epochs
    figures = summary["final"]
    assert isinstance(figures, dict)
    assert all(math.isfinite(value) for value in figures.values()), figures
    for which in ("best", "last"):
        weights = torch.load(checkpoint_path(run_dir, case.stage, which))["state_dict"]
        assert all(bool(torch.isfinite(each).all()) for each in weights.values())


@pytest.mark.parametrize("what", ["batch", "gradient"])
@pytest.mark.parametrize("case", EVERY)
def test_many_bad_steps_in_a_row_end_the_run(
    begin: Begin, train_here: Train, case: StageCase, what: str
) -> None:
    """Also where it is stopped between them."""
    stop = stop_at(2, stage=case.stage) if what == "batch" else []
    words = (*spoil(what, -INFINITY, 1, 2, 3), "trainer.max_bad_steps=3", *stop)
    if stop:
        with pytest.raises(RunStopped):
            begin(case, *words)
    with pytest.raises(RunError, match="3 steps in a row were skipped, the last because the"):
        train_here("run", resume=True) if stop else begin(case, *words)


@pytest.mark.parametrize("case", EVERY_TOY_FIRST)
def test_a_disk_that_fills_costs_saves_but_not_the_run(
    begin: Begin, train_here: Train, whole: Whole, disk: Disk, case: StageCase
) -> None:
    folder = disk(64 << 10)
    run_dir = folder / "run"
    with pytest.raises(RunError, match="last not saved: No space left on device"):
        begin(case, *take_away(folder, "space", begin=1, end=99), name=f"{folder.name}/run")
    saved = torch.load(checkpoint_path(run_dir, case.stage, "last"), weights_only=True)
    assert len(saved["distill"]["history"]["val/loss"]) == 1
    model = read_content(run_dir / "best.distillgan")
    assert case is CODEC or case.adds not in model
    assert not list(folder.rglob("*.part"))
    (folder / "ballast").unlink()
    train_here(f"{folder.name}/run", "callbacks.extra.take.begin=99", resume=True)
    assert_equal(state_of(whole(case) / "run", case), state_of(run_dir, case))


@pytest.mark.parametrize("case", EVERY_TOY_FIRST)
def test_it_goes_on_from_its_best_epoch(
    whole: Whole,
    train_here: Train,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    case: StageCase,
) -> None:
    """As a run says where its last checkpoint is damaged; later epochs are drawn once."""
    prepare(monkeypatch)
    shutil.copytree(whole(case), tmp_path, dirs_exist_ok=True)
    best, last = (checkpoint_path(Path("run"), case.stage, which) for which in ("best", "last"))
    last.write_bytes(b"damaged")
    with pytest.raises(RunError, match="damaged, or not a checkpoint"):
        train_here("run", resume=True)
    shutil.copyfile(best, last)
    train_here("run", resume=True)
    assert_equal(state_of(whole(case) / "run", case), state_of(Path("run"), case))
    curve = events_of(Path("run"), case.stage).Scalars("val/loss")
    assert [event.step for event in curve] == list(range(1, case.epochs + 1))


@pytest.mark.parametrize("case", EVERY_TOY_FIRST)
def test_a_finished_stage_keeps_what_shapes_it_and_may_go_on(
    whole: Whole,
    train_here: Train,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    case: StageCase,
) -> None:
    prepare(monkeypatch)
    shutil.copytree(whole(case), tmp_path, dirs_exist_ok=True)
    settings = Path("run/config.yaml").read_bytes()
    for override in case.kept:
        with pytest.raises(ConfigError, match="cannot be changed when resuming"):
            train_here("run", override, *filter(None, [case.longer]), resume=True)
    assert Path("run/config.yaml").read_bytes() == settings
    with pytest.raises(RunError, match=rf"is complete \({case.stage}: {case.epochs} epochs"):
        train_here("run", resume=True)
    if case.longer is None:
        return
    before = read_content(KIT)
    train_here("run", case.longer, resume=True)
    assert summary_of(Path("run"), case)["epochs"] == case.epochs + 1
    curve = events_of(Path("run"), case.stage).Scalars("val/loss")
    assert [event.step for event in curve] == [1, 2, 3]
    new_sounds = 2 if case is PRIOR else 0
    assert len(list(Path("run").glob("new_sounds*"))) == new_sounds, "the earlier ones stay"
    after = read_content(KIT)
    assert after["metadata"]["model_id"] == before["metadata"]["model_id"]
    assert [path.name for path in KIT.parent.glob("*.distillgan")] == [KIT.name]
