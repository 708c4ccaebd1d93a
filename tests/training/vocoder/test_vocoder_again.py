"""A vocoder for a model that has one, or whose codec goes on: the better one stays."""

from __future__ import annotations

import json
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
from distill.training.vocoder import stage
from distill.training.vocoder.comparison import Comparison, Likeness
from tests.helpers.listening import rows_on_record
from tests.helpers.runs import TINY, TINY_VOCODER, Train

SMALL = (*TINY_VOCODER, "data.root=sounds", "data.val_fraction=0.5")
ADDED = (*SMALL, "stages=[vocoder]", "base=kit")
KIT = Path("outputs/library/kit.distillgan")
Judge = Callable[[float], None]


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> Judge:
    """Have the vocoder judged as if its sounds had this mel error, and those before it 2 dB."""

    def judge(mel_db: float) -> None:
        def compare(*_: object, name: str = "Griffin-Lim") -> Comparison:
            return Comparison(
                Likeness(mel_db, 3.0), Likeness(2.0, 3.0), name, 3 if mel_db < 2 else 1, 4
            )

        monkeypatch.setattr(stage.Comparer, "compare", compare)

    return judge


def weights_of(bundle: Path) -> dict[str, torch.Tensor]:
    weights: dict[str, torch.Tensor] = read_content(bundle)["vocoder_state"]["state_dict"]
    return weights


def vocoder_summary(run_dir: Path) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads((run_dir / "summary.json").read_text())
    return summary["stages"]["vocoder"]  # type: ignore[no-any-return]


@pytest.mark.slow
def test_the_vocoder_before_stays_unless_the_new_one_is_better(
    sounds: Path, train_here: Train, judged: Judge
) -> None:
    judged(1.5)
    train_here("run", *SMALL, "name=kit")
    first = weights_of(KIT)
    judged(2.5)
    worse = train_here("worse", *ADDED, "vocoder.lr=0.01")
    assert all(torch.equal(weight, first[name]) for name, weight in weights_of(KIT).items())
    told = vocoder_summary(worse)["verdict"]
    assert (
        "its earlier phase gradient on 1 of 4 held-out sounds only, so the model keeps that" in told
    )
    takes = {take["label"] for row in rows_on_record(worse) for take in row["takes"]}  # type: ignore[attr-defined,index]
    assert takes == {"original", "result", "rejected"}
    judged(1.5)
    train_here("better", *ADDED, "vocoder.lr=0.01")
    assert not all(torch.equal(weight, first[name]) for name, weight in weights_of(KIT).items())


def test_a_stopped_addition_goes_on(sounds: Path, train_here: Train, judged: Judge) -> None:
    judged(1.5)
    train_here("run", *SMALL, "name=kit")
    stop = "+callbacks.extra.stop._target_=tests.helpers.watching.InterruptStage"
    at = ("+callbacks.extra.stop.stage=vocoder", "+callbacks.extra.stop.step=5")
    with pytest.raises(RunStopped):
        train_here("added", *ADDED, stop, *at)
    assert "still has its earlier phase gradient" in vocoder_summary(Path("added"))["verdict"]
    summary = json.loads(Path("added/summary.json").read_text())
    assert any("resume=added" in command for command in summary["next_commands"])
    assert run_to_resume(Path("outputs/train"), "added") == Path("added").absolute()
    train_here("added", resume=True)
    assert vocoder_summary(Path("added"))["epochs"] == 2


@pytest.mark.slow
def test_a_codec_that_goes_on_has_its_vocoder_trained_anew(
    sounds: Path, train_here: Train, judged: Judge, capsys: pytest.CaptureFixture[str]
) -> None:
    judged(1.5)
    run_dir = train_here("run", *SMALL, "name=kit")
    before = read_content(KIT)
    sounds.rename(sounds.with_name("elsewhere"))
    with pytest.raises(DistillError, match="data.root"):
        train_here("run", "trainer.max_epochs=6", resume=True)
    assert (run_dir / "checkpoints" / "vocoder_last.ckpt").exists(), "nothing is lost"
    sounds.with_name("elsewhere").rename(sounds)
    capsys.readouterr()
    train_here("run", "trainer.max_epochs=6", resume=True)
    assert "the codec is another one by now: the vocoder is trained anew" in capsys.readouterr().out
    after = read_content(KIT)
    assert after["codec_digest"] != before["codec_digest"]
    assert vocoder_summary(run_dir)["epochs"] == 2
    assert "Griffin-Lim" in vocoder_summary(run_dir)["verdict"], "the earlier one is of no use"
    assert "vocoder_state" in after


def test_what_cannot_be_changed_is_said(sounds: Path, train_here: Train, judged: Judge) -> None:
    judged(1.5)
    run_dir = train_here("run", *SMALL, "name=kit")
    for override in ("vocoder.channels=16", "vocoder.blocks=2"):
        with pytest.raises(ConfigError, match="cannot be changed when resuming"):
            train_here("run", override, "vocoder.max_epochs=9", resume=True)
    assert "channels: 8" in (run_dir / "config.yaml").read_text()
    with pytest.raises(ConfigError, match="vocoder=hifigan_v2"):
        load_config(["vocoder.type=hifigan_v2"])


def test_a_base_keeps_its_name_and_wants_its_own_sounds(
    sounds: Path, train_here: Train, tmp_path: Path
) -> None:
    train_here("run", *TINY, "data.root=sounds", "name=kit")
    for override, told in (
        ("name=other", "keeps its name, kit"),
        ("data.root=null", r"give the sounds that the base was trained on \(sounds\)"),
    ):
        config = load_config([*TINY, *ADDED, override])
        with pytest.raises(ConfigError, match=told):
            adopt_base(config, tmp_path)
