"""A vocoder for a model that has one, or whose codec goes on: the better one stays."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from distill.bundle.reader import read_content
from distill.errors import ConfigError, DistillError
from distill.runs.folder import run_to_resume
from distill.settings.compose import load_config
from distill.training.base import adopt_base
from distill.training.interrupt import RunStopped
from tests.helpers.listening import rows_on_record
from tests.helpers.runs import TINY_VOCODER, Train
from tests.helpers.stage_cases import CODEC, PHASE, Judge
from tests.helpers.stop_at import stop_at
from tests.helpers.whole_runs import Whole

SMALL = (*TINY_VOCODER, "data.root=sounds", "data.val_fraction=0.5")
KIT = Path("outputs/library/kit.distillgan")
Add = Callable[..., Path]


@pytest.fixture
def add(whole: Whole, all_sounds: tuple[str, ...], train_here: Train, tmp_path: Path) -> Add:
    """Train a vocoder for the model `kit`, which has one of its own."""
    shutil.copytree(whole(PHASE) / "outputs", tmp_path / "outputs")
    return lambda name, *more: train_here(name, *PHASE.words, *all_sounds, *more)


def weights_of(bundle: Path) -> dict[str, torch.Tensor]:
    weights: dict[str, torch.Tensor] = read_content(bundle)["vocoder_state"]["state_dict"]
    return weights


def vocoder_summary(run_dir: Path) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads((run_dir / "summary.json").read_text())
    return summary["stages"]["vocoder"]  # type: ignore[no-any-return]


@pytest.mark.slow
def test_the_vocoder_before_stays_unless_the_new_one_is_better(add: Add, judged: Judge) -> None:
    first = weights_of(KIT)
    judged(2.5)
    worse = add("worse", "vocoder.lr=0.01")
    assert all(torch.equal(weight, first[name]) for name, weight in weights_of(KIT).items())
    told = vocoder_summary(worse)["verdict"]
    assert (
        "its earlier phase gradient on 1 of 4 held-out sounds only, so the model keeps that" in told
    )
    takes = {take["label"] for row in rows_on_record(worse) for take in row["takes"]}  # type: ignore[attr-defined,index]
    assert takes == {"original", "result", "rejected"}
    judged(1.5)
    add("better", "vocoder.lr=0.01")
    assert not all(torch.equal(weight, first[name]) for name, weight in weights_of(KIT).items())


@pytest.mark.slow
def test_a_stopped_addition_says_what_the_model_still_has(add: Add) -> None:
    with pytest.raises(RunStopped):
        add("added", *stop_at(5, stage="vocoder"))
    assert "still has its earlier phase gradient" in vocoder_summary(Path("added"))["verdict"]
    summary = json.loads(Path("added/summary.json").read_text())
    assert any("resume=added" in command for command in summary["next_commands"])
    assert run_to_resume(Path("outputs/train"), "added") == Path("added").absolute()


@pytest.mark.slow
def test_a_codec_that_goes_on_has_its_vocoder_trained_anew(
    sounds: Path, train_here: Train, judged: Judge, capsys: pytest.CaptureFixture[str]
) -> None:
    judged(1.5)
    run_dir = train_here("run", *SMALL, "name=kit")
    before = read_content(KIT)
    sounds.rename(sounds.with_name("elsewhere"))
    with pytest.raises(DistillError, match="not there any more"):
        train_here("run", "trainer.max_epochs=6", resume=True)
    assert (run_dir / "checkpoints" / "vocoder_last.ckpt").exists(), "nothing is lost"
    sounds.with_name("elsewhere").rename(sounds)
    capsys.readouterr()
    with pytest.raises(RunStopped):
        train_here("run", "trainer.max_epochs=6", *stop_at(10), resume=True)
    assert not list(run_dir.glob("checkpoints/vocoder_*")), "they are of no use by now"
    train_here("run", resume=True)
    assert "the codec is another one by now: the vocoder is trained anew" in capsys.readouterr().out
    after = read_content(KIT)
    assert after["codec_digest"] != before["codec_digest"]
    assert vocoder_summary(run_dir)["epochs"] == 2
    assert "Griffin-Lim" in vocoder_summary(run_dir)["verdict"], "the earlier one is of no use"
    assert "vocoder_state" in after


@pytest.mark.slow
def test_a_base_keeps_its_name_and_wants_its_own_sounds(
    whole: Whole, all_sounds: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(whole(CODEC))
    for override, told in (
        ("name=other", "keeps its name, kit"),
        ("data.root=null", r"give the sounds that the base was trained on \(sounds\)"),
    ):
        config = load_config([*PHASE.words, *all_sounds, override])
        with pytest.raises(ConfigError, match=told):
            adopt_base(config, tmp_path)
