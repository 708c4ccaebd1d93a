"""A run that goes on to a vocoder of its own: kept where it is better, told either way."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import distill
from distill.bundle.loading import load_bundle
from distill.catalog.catalog import Catalog
from distill.catalog.facts import vocoder_label
from distill.errors import DistillError
from distill.runs.progress import read_progress
from distill.runs.rows import EpochRow
from distill.settings.compose import load_config
from distill.training.interrupt import RunStopped
from distill.training.vocoder import stage
from distill.training.vocoder.comparison import Comparison, Likeness
from distill.training.vocoder.phase_module import PhaseModule
from tests.helpers.listening import rows_on_record
from tests.helpers.runs import TINY_VOCODER, Train

SMALL = (*TINY_VOCODER, "data.root=sounds", "data.val_fraction=0.5")
Judge = Callable[[float], None]


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> Judge:
    """Have the vocoder judged as if its sounds had this mel error, and Griffin-Lim's 2 dB."""

    def judge(mel_db: float) -> None:
        compared = Comparison(
            Likeness(mel_db, 3.0), Likeness(2.0, 3.0), "Griffin-Lim", 3 if mel_db < 2 else 1, 4
        )
        monkeypatch.setattr(stage.Comparer, "compare", lambda *_, **__: compared)

    return judge


def vocoder_of(bundle: Path) -> dict[str, object] | None:
    state: dict[str, object] | None = torch.load(bundle, weights_only=True).get("vocoder_state")
    return state


def test_a_better_vocoder_comes_into_the_file_and_makes_the_sound(
    sounds: Path, train_here: Train, judged: Judge, capsys: pytest.CaptureFixture[str]
) -> None:
    judged(1.5)
    run_dir = train_here("run", *SMALL, "name=kit")
    state = vocoder_of(run_dir / "best.distillgan")
    assert state is not None
    assert state["type"] == "phase_gradient"
    assert state["training_metadata"]["epochs"] == 2  # type: ignore[index]
    assert {weight.dtype for weight in state["state_dict"].values()} == {torch.float16}  # type: ignore[attr-defined]
    summary = json.loads((run_dir / "summary.json").read_text())
    assert list(summary["stages"]) == ["codec", "vocoder"]
    assert summary["stages"]["vocoder"]["kept"]
    told = capsys.readouterr().out
    assert (
        "verdict on the vocoder: better than Griffin-Lim on 3 of 4 held-out sounds, and kept"
        in told
    )
    takes = [[take["label"] for take in row["takes"]] for row in rows_on_record(run_dir)]  # type: ignore[attr-defined,index]
    assert takes
    assert set(map(tuple, takes)) == {("original", "result", "without")}
    previews = run_dir / "previews" / "vocoder_epoch_0002"
    kinds = {path.stem.rsplit("_", 1)[1] for path in previews.glob("1_*.wav")}
    assert kinds == {"original", "result", "without"}
    assert (previews / "mels.png").is_file()
    model = distill.load("outputs/library/kit.distillgan")
    assert model.vocoder.name == "phase gradient"
    waveform = 0.1 * torch.randn(2, 5000)
    codes = model.encode(waveform, 16_000)
    sound = model.decode(codes)
    assert sound.shape == (2, 5000)
    plain = load_bundle("outputs/library/kit.distillgan", own_vocoder=False)
    assert plain.vocoder.name == "Griffin-Lim"
    assert not torch.equal(plain.decode(codes), sound), "codes belong to the codec alone"
    (entry,) = Catalog(Path("outputs/library")).entries()
    assert vocoder_label(entry) == "Phase (2 ep)"


def test_a_vocoder_that_is_not_better_is_told_and_left_out(
    sounds: Path, train_here: Train, judged: Judge, capsys: pytest.CaptureFixture[str]
) -> None:
    judged(2.5)
    run_dir = train_here("run", *SMALL)
    assert vocoder_of(run_dir / "best.distillgan") is None
    assert distill.load(run_dir / "best.distillgan").vocoder.name == "Griffin-Lim"
    told = capsys.readouterr().out
    assert "on 1 of 4 held-out sounds only, so the model keeps that: mel error of the" in told
    summary = json.loads((run_dir / "summary.json").read_text())
    assert not summary["stages"]["vocoder"]["kept"]


def test_a_real_comparison_measures_both(
    sounds: Path, train_here: Train, capsys: pytest.CaptureFixture[str]
) -> None:
    run_dir = train_here("run", *SMALL)
    heard = [line for line in capsys.readouterr().out.splitlines() if "error of the sounds" in line]
    assert len(heard) == 3, "after each epoch, and in the verdict"
    stages = json.loads((run_dir / "summary.json").read_text())["stages"]
    own, default = stages["vocoder"]["own"], stages["vocoder"]["default"]
    for errors in (own, default):
        assert 0.5 < errors["mel_db"] < 30
        assert 0.5 < errors["fine_db"] < 40
    vocoder = stages["vocoder"]
    assert vocoder["sounds"] > 3
    near = sum(own.values()) < 1.05 * sum(default.values())
    assert vocoder["kept"] == (2 * vocoder["nearer"] > vocoder["sounds"] and near)


def test_a_vocoder_that_is_stopped_and_continued_ends_as_if_left_alone(
    sounds: Path, train_here: Train, judged: Judge
) -> None:
    judged(1.5)
    whole = train_here("whole", *SMALL, "name=whole")
    stop = "+callbacks.extra.stop._target_=tests.helpers.watching.InterruptStage"
    with pytest.raises(RunStopped):
        train_here(
            "parts", *SMALL, "name=parts", stop, "+callbacks.extra.stop.stage=vocoder",
            "+callbacks.extra.stop.step=5",
        )  # fmt: skip
    assert vocoder_of(Path("parts/best.distillgan")) is None
    summary = json.loads(Path("parts/summary.json").read_text())
    assert Path(summary["published"]).name == "parts.distillgan", "the codec is there already"
    assert Path(summary["page"]).is_file()
    train_here("parts", resume=True)
    library = Catalog(Path("outputs/library"))
    assert sorted(entry.file for entry in library.entries()) == [
        "parts.distillgan",
        "whole.distillgan",
    ]
    assert vocoder_of(Path("outputs/library/parts.distillgan")) is not None
    rows = read_progress(Path("parts"))
    epochs = [(row.stage, row.epoch) for row in rows if isinstance(row, EpochRow)]
    assert epochs == [("codec", 1), ("codec", 2), ("vocoder", 1), ("vocoder", 2)]
    one, other = (
        torch.load(folder / "checkpoints" / "vocoder_last.ckpt", weights_only=True)
        for folder in (whole, Path("parts"))
    )
    for name, weight in one["state_dict"].items():
        assert torch.equal(weight, other["state_dict"][name]), name
    assert one["distill"]["history"] == other["distill"]["history"]
    assert not any("codec" in name for name in one["state_dict"]), "it is in the bundle already"


def test_sounds_that_are_not_finite_are_skipped(
    sounds: Path, train_here: Train, judged: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged(1.5)
    losses = PhaseModule.losses

    def spoilt(self: PhaseModule, batch: dict[str, torch.Tensor]) -> object:
        if self.step == 1:
            batch["waveform"][0, 0, 5] = torch.nan
        return losses(self, batch)  # type: ignore[arg-type]

    monkeypatch.setattr(PhaseModule, "losses", spoilt)
    run_dir = train_here("run", *SMALL)
    summary = json.loads((run_dir / "summary.json").read_text())
    assert summary["stages"]["vocoder"]["skipped_steps"] == 1
    assert vocoder_of(run_dir / "best.distillgan") is not None


def test_a_new_run_without_a_codec_says_what_is_missing(
    distill_train: Callable[..., subprocess.CompletedProcess[str]], sounds: Path, tmp_path: Path
) -> None:
    for overrides, told in (
        (["stages=[vocoder]"], "name it with base=, or its run with resume="),
        (["stages=[vocoder]", "base=nope"], "nope"),
    ):
        ended = distill_train("data.root=sounds", *overrides)
        assert ended.returncode == 2
        assert told in ended.stderr
        assert len(ended.stderr.splitlines()) == 1
    assert not (tmp_path / "outputs" / "train").exists(), "no folder of a run that never was"


def test_settings_are_checked_before_anything_is_read() -> None:
    for setting in ("vocoder.type=hifigan", "vocoder.channels=0", "vocoder.decoded_share=2"):
        with pytest.raises(DistillError, match=setting.split("=")[0]):
            load_config([setting])
