"""A run that goes on to a vocoder of its own: kept where it is better, told either way."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import torch

import distill
from distill.bundle.loading import load_bundle
from distill.catalog.catalog import Catalog
from distill.catalog.facts import vocoder_label
from distill.errors import DistillError
from distill.settings.compose import load_config
from tests.helpers.curves import events_of
from tests.helpers.listening import rows_on_record
from tests.helpers.runs import PREVIEWS, TINY_VOCODER, Train
from tests.helpers.stage_cases import CODEC, PHASE, Judge
from tests.helpers.verbs import Run
from tests.helpers.whole_runs import Whole

SMALL = (*TINY_VOCODER, "data.root=sounds", "data.val_fraction=0.5")


def vocoder_of(bundle: Path) -> dict[str, object] | None:
    state: dict[str, object] | None = torch.load(bundle, weights_only=True).get("vocoder_state")
    return state


@pytest.mark.slow
def test_a_better_vocoder_comes_into_the_file_and_makes_the_sound(
    sounds: Path, train_here: Train, judged: Judge, capsys: pytest.CaptureFixture[str]
) -> None:
    judged(1.5)
    run_dir = train_here("run", *SMALL, PREVIEWS, "name=kit")
    state = vocoder_of(run_dir / "best.distillgan")
    assert state is not None
    assert state["type"] == "phase_gradient"
    assert state["training_metadata"]["epochs"] == 2  # type: ignore[index]
    assert {weight.dtype for weight in state["state_dict"].values()} == {torch.float16}  # type: ignore[attr-defined]
    summary = json.loads((run_dir / "summary.json").read_text())
    assert list(summary["stages"]) == ["codec", "vocoder"]
    assert summary["stages"]["vocoder"]["kept"]
    told = capsys.readouterr().out
    verdict = "verdict on the vocoder: by both errors together better than Griffin-Lim"
    assert f"{verdict} on 3 of 4 held-out sounds, and kept" in told
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
    whole: Whole,
    all_sounds: tuple[str, ...],
    train_here: Train,
    tmp_path: Path,
    judged: Judge,
    capsys: pytest.CaptureFixture[str],
) -> None:
    judged(2.5)
    shutil.copytree(whole(CODEC) / "outputs", tmp_path / "outputs")
    run_dir = train_here("run", *PHASE.words, *all_sounds)
    assert vocoder_of(run_dir / "best.distillgan") is None
    assert distill.load(run_dir / "best.distillgan").vocoder.name == "Griffin-Lim"
    told = capsys.readouterr().out
    assert "on 1 of 4 held-out sounds only, so the model keeps that: mel error of the" in told
    summary = json.loads((run_dir / "summary.json").read_text())
    assert not summary["stages"]["vocoder"]["kept"]


@pytest.mark.slow
def test_a_real_comparison_measures_both(
    sounds: Path, train_here: Train, capsys: pytest.CaptureFixture[str]
) -> None:
    run_dir = train_here("run", *SMALL)
    heard = [line for line in capsys.readouterr().out.splitlines() if "error of the sounds" in line]
    assert len(heard) == 3, "after each epoch, and in the verdict"
    for line in heard:
        assert re.search(r"rise of \d+ attacks? [\d.]+ ms \([\d.]+, originals [\d.]+\)", line)
        assert re.search(r"within 2 ms \d+% \(\d+%, originals 100%\)", line)
        assert re.search(r"pre-ring \+[\d.]+ dB \([+-][\d.]+\)", line)
    rows = map(json.loads, (run_dir / "progress.jsonl").read_text().splitlines())
    epochs = [row for row in rows if row["event"] == "epoch" and row["stage"] == "vocoder"]
    assert all(row["details"]["own"]["attacks"]["rise_ms"] >= 0 for row in epochs)
    curves = events_of(run_dir, "vocoder").Tags()["scalars"]
    figures = ("rise_ms", "original_rise_ms", "sharp", "original_sharp", "pre_ring_db")
    assert {f"heard/{name}" for name in figures} <= set(curves)
    stages = json.loads((run_dir / "summary.json").read_text())["stages"]
    own, default = stages["vocoder"]["own"], stages["vocoder"]["default"]
    for errors in (own, default):
        assert 0.5 < errors["mel_db"] < 30
        assert 0.5 < errors["fine_db"] < 40
        attacks = errors["attacks"]
        assert 0 <= attacks["rise_ms"] <= 50
        assert 0 <= attacks["sharp"] <= attacks["original_sharp"] == 1, "tones that begin at once"
        assert attacks["original_rise_ms"] < 2
        assert attacks["pre_ring_db"] > 0
    vocoder = stages["vocoder"]
    assert vocoder["sounds"] > 3
    own_db, default_db = (each["mel_db"] + each["fine_db"] for each in (own, default))
    near = own_db < 1.05 * default_db
    assert vocoder["kept"] == (2 * vocoder["nearer"] > vocoder["sounds"] and near)


def test_a_new_run_without_a_codec_says_what_is_missing(
    run: Run, sounds: Path, tmp_path: Path
) -> None:
    for overrides, told in (
        (["stages=[vocoder]"], "name it with base=, or its run with resume="),
        (["stages=[vocoder]", "base=nope"], "nope"),
    ):
        ended = run("train", "data.root=sounds", *overrides)
        assert ended.exit_code == 2
        assert told in ended.stderr
        assert len(ended.err) == 1
    assert not (tmp_path / "outputs" / "train").exists(), "no folder of a run that never was"


def test_settings_are_checked_before_anything_is_read() -> None:
    for setting in ("vocoder.type=hifigan", "vocoder.channels=0", "vocoder.decoded_share=2"):
        with pytest.raises(DistillError, match=setting.split("=")[0]):
            load_config([setting])
    with pytest.raises(DistillError, match="vocoder=hifigan_v2"):
        load_config(["vocoder.type=hifigan_v2"])
