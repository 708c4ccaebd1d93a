"""A second stage goes through the same harness as the codec, and comes into the same bundle."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch

from distill.errors import DistillError, RunError
from distill.settings.compose import load_config
from distill.training.base import adopt_base
from distill.training.interrupt import RunStopped
from distill.training.records.checkpoint_io import AtomicCheckpointIO
from distill.training.stages import STAGES
from tests.helpers.made_bundle import make_bundle
from tests.helpers.runs import TINY, Train
from tests.helpers.stage_cases import add_toy
from tests.helpers.stop_at import stop_at
from tests.helpers.toy_stage import EPOCHS, ToyStage

Run = Callable[..., Path]


@pytest.fixture
def run(train_here: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Train `tmp_path/NAME` with the given stages, or continue it."""
    add_toy(monkeypatch)

    def work(name: str, *overrides: str, stages: tuple[str, ...] = ("codec", "toy")) -> Path:
        words, is_there = [f"stages=[{','.join(stages)}]"], (tmp_path / name).exists()
        return train_here(
            name,
            *([] if is_there else ["data.root=sounds"]),
            *words,
            *overrides,
            resume=is_there,
        )

    return work


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the checkpoints that are read, as they are read."""
    names: list[str] = []
    load = AtomicCheckpointIO.load_checkpoint

    def recording(self: AtomicCheckpointIO, path: str | Path, *args: Any, **options: Any) -> Any:
        names.append(Path(path).name)
        return load(self, path, *args, **options)

    monkeypatch.setattr(AtomicCheckpointIO, "load_checkpoint", recording)
    return names


@pytest.mark.parametrize("name", [*STAGES, ToyStage.name])
def test_a_stage_keeps_nothing_between_its_calls(name: str) -> None:
    """What `prepare` makes and `close` needs is in Prepared: no order of calls is hidden."""
    kind = STAGES.get(name, ToyStage)
    kept = [
        ast.unparse(node)
        for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(kind))))
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    ]
    assert kept == []


def test_a_second_stage_adds_to_the_bundle_of_the_first(
    sounds: Path, run: Run, capsys: pytest.CaptureFixture[str], loaded: list[str]
) -> None:
    run_dir = run("run", "name=kit")
    assert loaded == ["best.ckpt", "toy_best.ckpt"], "once for each stage"
    content = torch.load(run_dir / "best.distillgan", weights_only=True)
    state = content["prior_state"]
    assert state["type"] == "toy"
    assert set(state["state_dict"]) == {"level"}
    assert state["training_metadata"]["epochs"] == EPOCHS
    codec = torch.load(run_dir / "checkpoints" / "best.ckpt", weights_only=True)
    assert content["metadata"]["model_id"] == codec["distill"]["bundle"]["metadata"]["model_id"]
    for name, weight in content["model_state_dict"].items():
        assert torch.equal(weight, codec["state_dict"][f"model.{name}"]), name
    published = Path("outputs/library/kit.distillgan")
    assert published.read_bytes() == (run_dir / "best.distillgan").read_bytes()
    assert len(list(published.parent.glob("*.distillgan"))) == 1
    summary = json.loads((run_dir / "summary.json").read_text())
    assert list(summary["stages"]) == ["codec", "toy"]
    assert summary["stages"]["toy"]["verdict"] == "learnt"
    assert summary["stages"]["toy"]["size"] == 1
    assert summary["finished"]
    shown = capsys.readouterr().out
    assert "toy size 1: one number is enough" in shown
    assert shown.count(f"epoch {EPOCHS}/{EPOCHS}") == 1
    assert "verdict on the toy: learnt" in shown


def test_a_stage_is_added_to_a_run_that_ended_without_it(sounds: Path, run: Run) -> None:
    run_dir = run("run", "name=kit", stages=("codec",))
    before = torch.load(run_dir / "best.distillgan", weights_only=True)
    assert "prior_state" not in before
    run("run", stages=("toy",))
    after = torch.load(run_dir / "best.distillgan", weights_only=True)
    assert after["prior_state"]["type"] == "toy"
    assert after["metadata"]["model_id"] == before["metadata"]["model_id"]
    published = list(Path("outputs/library").glob("*.distillgan"))
    assert [path.name for path in published] == ["kit.distillgan"]
    assert published[0].read_bytes() == (run_dir / "best.distillgan").read_bytes()
    summary = json.loads((run_dir / "summary.json").read_text())
    assert list(summary["stages"]) == ["codec", "toy"], "what the codec said stays"
    with pytest.raises(RunError, match=r"complete \(toy: 4 epochs"):
        run("run", stages=("toy",))


def test_a_codec_is_in_the_library_while_later_stages_are_not_done(sounds: Path, run: Run) -> None:
    published = Path("outputs/library/kit.distillgan")
    stops = [*stop_at(2, stage="toy"), *stop_at(5, stage="toy")]
    with pytest.raises(RunStopped):
        run("run", "name=kit", *stops)
    codec = published.read_bytes()
    assert codec == Path("run/best.distillgan").read_bytes()
    published.unlink()
    with pytest.raises(RunStopped):
        run("run")
    assert published.read_bytes() == codec, "published as soon as it is not there"
    assert json.loads(Path("run/summary.json").read_text())["published"] == str(
        published.absolute()
    )
    run("run")
    assert published.read_bytes() == Path("run/best.distillgan").read_bytes() != codec
    assert [path.name for path in published.parent.glob("*.distillgan")] == ["kit.distillgan"]


def test_a_codec_that_was_stopped_a_moment_before_its_end_is_closed(
    sounds: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its time is nearly up, so it is not trained on, but neither judged nor published yet."""
    limits = ("trainer.max_epochs=null", "trainer.max_minutes=1000", "data.epoch_segments=64")
    with pytest.raises(RunStopped):
        run("run", "name=kit", *limits, *stop_at(3), stages=("codec",))
    published = Path("outputs/library/kit.distillgan")
    assert not published.exists()
    path = Path("run/checkpoints/last.ckpt")
    checkpoint = torch.load(path, weights_only=True)
    checkpoint["distill"]["elapsed_s"] = 60_000 * 0.99
    torch.save(checkpoint, path)
    capsys.readouterr()
    run_dir = run("run", stages=("codec",))
    assert "verdict" in capsys.readouterr().out
    assert published.read_bytes() == (run_dir / "best.distillgan").read_bytes()
    with pytest.raises(RunError, match="complete"):
        run("run", stages=("codec",))


@pytest.mark.parametrize(
    ("group", "key", "value", "told"),
    [
        ("model", "channels", "wide", "channels must be a whole number"),
        ("rvq", "levels", 99, "levels must be a whole number from 1 to 8"),
        ("data", "segment_s", None, "segment_s must be a number"),
    ],
)
def test_a_base_with_settings_that_no_run_can_have_is_one_line(
    sounds: Path, tmp_path: Path, group: str, key: str, value: object, told: str
) -> None:
    own = load_config([*TINY, f"data.root='{sounds}'"])
    trained = {"model": asdict(own.model), "rvq": asdict(own.rvq), "data": asdict(own.data)}
    trained[group][key] = value
    settings = {**trained, "seed": 0}
    make_bundle(tmp_path / "odd.distillgan", fields={"training_config": settings})
    own.base = str(tmp_path / "odd.distillgan")
    with pytest.raises(DistillError, match=f"base=.*/odd.distillgan: .*not usable: {told}"):
        adopt_base(own, tmp_path)


def test_stages_and_base_are_checked_before_anything_begins(tmp_path: Path, sounds: Path) -> None:
    with pytest.raises(DistillError, match=r"stages=.*codec"):
        load_config(["stages=[vocals]"])
    with pytest.raises(DistillError, match=r"stages=\[\]"):
        load_config(["stages=[]"])
