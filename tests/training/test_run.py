"""What a run leaves behind, on every channel that a person looks at."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch

import distill
from distill.data.segments import segments_of
from distill.errors import DistillError
from distill.settings.compose import load_config
from distill.training.sounds import collect
from tests.helpers.curves import events_of
from tests.helpers.runs import TINY, TINY_PRIOR, TINY_VOCODER, Train
from tests.helpers.summaries import codec_summary
from tests.helpers.whole_runs import SHOWN_AS, SHOWN_NAME

ShownRun = tuple[Path, str]
ONE_EPOCH = "trainer.max_epochs=1"


def tiny_collapse(*overrides: str) -> list[str]:
    """Far more codes than the sounds can fill, and no dead-code reset."""
    many_positions = "mel.hop_length=32"
    ill = ["rvq.codebook_size=256", "rvq.dead_code_threshold=0"]
    return ["data.root=sounds", many_positions, *ill, *overrides]


def test_a_run_leaves_all_its_files(shown_run: ShownRun) -> None:
    run_dir, _ = shown_run
    left = {path.relative_to(run_dir).as_posix() for path in run_dir.rglob("*") if path.is_file()}
    assert {
        "config.yaml",
        "collection.json",
        "summary.json",
        "best.distillgan",
        "last.distillgan",
        "checkpoints/best.ckpt",
        "checkpoints/last.ckpt",
        "progress.jsonl",
        "previews/epoch_0003/mels.png",
    } <= left
    assert not [name for name in left if name.endswith(".part")]
    heard = [name for name in left if re.fullmatch(r"previews/epoch_0003/1_\d+_\w+\.wav", name)]
    assert len(heard) == 2  # the sound's name, _original and _result
    published = Path(f"outputs/library/{SHOWN_AS}.distillgan")
    assert published.read_bytes() == (run_dir / "best.distillgan").read_bytes()


def test_what_to_do_next_names_all_the_sounds(sounds: Path, train_here: Train) -> None:
    (sounds.parent / "more sounds").symlink_to("sounds")
    Path("listen").mkdir()  # with results of an earlier model
    run_dir = train_here("run", "data.root=[sounds,more sounds]", "name=kit", ONE_EPOCH)
    commands = json.loads((run_dir / "summary.json").read_text())["next_commands"]
    assert "python -m distill.reconstruct kit sounds 'more sounds' -o listen-2" in commands


def test_the_bundle_says_what_was_asked_for_and_what_came_of_it(shown_run: ShownRun) -> None:
    run_dir, _ = shown_run
    content = torch.load(run_dir / "best.distillgan", weights_only=True)
    assert content["vqvae_config"]["num_quantizers"] == 3
    assert content["vqvae_config"]["low_levels"] == 2
    assert content["vqvae_config"]["commitment_weight"] == 0.3
    assert "vocoder_state" not in content
    loaded = distill.load(run_dir / "best.distillgan")
    assert loaded.metadata.name == SHOWN_NAME
    assert loaded.metadata.dataset_name == "sounds"
    assert loaded.metadata.dataset_file_count == 12
    assert loaded.metadata.dataset_total_duration_s == pytest.approx(6.0)
    assert loaded.training_config["data"]["root"] == ["sounds"]  # no path of the user's machine
    assert list(loaded.health) == [*(f"level_{level}" for level in range(3)), "low_0", "low_1"]
    assert len(loaded.history.val_losses) == loaded.metadata.training_epochs
    assert not loaded.codec.network.training
    assert loaded.vocoder_state is None


def test_the_health_in_the_bundle_is_that_of_its_own_weights(shown_run: ShownRun) -> None:
    run_dir, _ = shown_run
    loaded = distill.load(run_dir / "last.distillgan")
    config = load_config([*TINY, "data.root=sounds", "data.val_fraction=0.5"])
    segments = segments_of(
        collect(config)[1].train, config.data, held_out=False, sample_rate_hz=16_000, seed=0
    )
    used: list[set[int]] = [set(), set(), set()]
    for index in range(len(segments)):
        codes = loaded.codec.network.encode(
            loaded.codec.spectrogram(segments[index]["waveform"][None])
        )
        for level, seen in enumerate(used):
            seen |= set(codes[..., level].flatten().tolist())
    for level, seen in enumerate(used):  # they hold padding, too, which does not count
        share = loaded.health[f"level_{level}"].utilization
        assert share <= len(seen) / 16 + 1e-9
        assert share >= (len(seen) - 3) / 16


def test_terminal_shows_a_row_a_level_and_ends_with_the_model(shown_run: ShownRun) -> None:
    _, shown = shown_run
    assert shown.count("epoch 1/3") == 1
    for level in ("level 0", "level 1", "level 2", "low 0  "):
        assert len(re.findall(rf"^  {level}  utilization", shown, re.M)) == 3
    assert "16 codes a level, 8 in those of the low rows, " in " ".join(shown.split())
    figures = r"onset error \d+\.\d\d dB   peak loss -?\d+\.\d\d dB   level [+-]\d+\.\d dB   \w+"
    assert len(re.findall(rf"^  heard  {figures}$", shown, re.M)) == 3
    assert "verdict: too short to judge: 3 epochs; " in shown
    assert "; sounds rough: the " in shown
    assert shown.rstrip().splitlines()[-1].endswith("best.distillgan")
    assert "\x1b" not in shown
    assert "\r" not in shown
    assert f"{SHOWN_NAME}: 3 epochs" in shown, "brackets in a name are text"


def test_sizes_are_chosen_from_the_collection_and_explained(
    sounds: Path, train_here: Train, capsys: pytest.CaptureFixture[str]
) -> None:
    run_dir = train_here("run", "data.root=sounds", "rvq.codebook_size=null", ONE_EPOCH)
    shown = capsys.readouterr().out
    assert "codebook size 32: 12 files suggest 64" in shown
    assert distill.load(run_dir / "best.distillgan").codec.network.config.codebook_size == 32


def test_tensorboard_holds_curves_charts_sounds_and_pictures(shown_run: ShownRun) -> None:
    events = events_of(shown_run[0])
    tags = events.Tags()
    for level in ("level_0", "level_1", "level_2", "low_0"):
        for figure in ("utilization", "perplexity", "dead_codes"):
            assert f"codebook/{level}/{figure}" in tags["scalars"]
            assert f"codebook/{level}/val_{figure}" in tags["scalars"]
        assert f"codebook/{level}/usage" in tags["histograms"]
    assert [event.step for event in events.Scalars("val/mel_db")] == [1, 2, 3]
    for heard in ("onset_db", "onset_0.68_db", "peak_db", "level_db", "level_10_db"):
        assert [event.step for event in events.Scalars(f"val/{heard}")] == [1, 2, 3]
    layout = events.Tensors("custom_scalars__config__")[0].tensor_proto.string_val[0]
    assert b"codebook/level_0/perplexity" in layout
    assert b"codebook/low_0/perplexity" in layout
    clips = {path.stem for path in shown_run[0].glob("previews/*/*_original.wav")}
    assert len(clips) == 3
    for clip in clips:  # 1_kick_original
        name = clip.partition("_")[2].removesuffix("_original")
        assert f"audio/{name}/original" in tags["audio"]
        assert f"audio/{name}/result" in tags["audio"]
    assert "mel/original_above_result" in tags["images"]


@pytest.mark.slow
def test_a_collapsed_codebook_is_warned_about_everywhere_and_the_remedy_mends_it(
    sounds: Path, train_here: Train, capsys: pytest.CaptureFixture[str]
) -> None:
    ill = train_here("ill", *tiny_collapse(), "health.positions_per_code=16")
    shown = capsys.readouterr().out
    summary = codec_summary(ill)
    texts = [
        event.tensor_proto.string_val[0].decode()
        for event in events_of(ill).Tensors("codebook/warnings/text_summary")
    ]
    for said in (shown, *summary["warnings"], *texts):
        assert "low codebook utilization" in said
        assert "level 0" in said
        assert "rvq.dead_code_threshold=2 rvq.codebook_size=32" in said
    assert re.search(r"^  level 0  .*   mostly idle$", shown, re.M), "while it trains"
    assert re.search(r"^│ 0 mostly idle │", shown, re.M), "in the closing table"
    assert len(summary["warnings"]) == 1, "the warning is shown when it begins, not every epoch"
    assert "collapsed: level 0" in summary["verdict"]

    remedy = re.search(r"Try (rvq\.\S+ rvq\.\S+)", summary["warnings"][0])
    assert remedy
    mended = train_here("mended", *tiny_collapse(*remedy[1].split()))
    assert codec_summary(mended)["warnings"] == []
    assert "warning" not in capsys.readouterr().out


def test_five_short_sounds_train_without_a_false_alarm(
    tmp_path: Path, sounds: Path, train_here: Train, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in sorted(sounds.iterdir())[5:]:
        path.unlink()
    run_dir = train_here("run", "data.root=sounds", "rvq.codebook_size=null", ONE_EPOCH)
    shown = capsys.readouterr().out
    assert "places in the sounds)" in shown
    summary = codec_summary(run_dir)
    assert summary["warnings"] == []
    assert "too little sound to judge" in summary["verdict"]


def test_one_single_sound_trains(
    sounds: Path, train_here: Train, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in sorted(sounds.iterdir())[1:]:
        path.unlink()
    run_dir = train_here("run", "data.root=sounds", ONE_EPOCH)
    assert "a single file" in capsys.readouterr().out
    assert distill.load(run_dir / "best.distillgan").metadata.dataset_file_count == 1


@pytest.mark.slow
def test_instruments_are_scanned_sized_and_trained(
    shared_instruments: Path, train_here: Train, capsys: pytest.CaptureFixture[str]
) -> None:
    run_dir = train_here("run", f"data.root={shared_instruments}", "rvq.codebook_size=null")
    shown = capsys.readouterr().out
    assert "_readme_and_license.txt: not audio" in shown
    assert "266 files used" in shown
    assert codec_summary(run_dir)["warnings"] == []


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_one_line(sounds: Path, train_here: Train) -> None:
    with pytest.raises(DistillError, match="trainer.accelerator=cuda .* not available"):
        train_here("run", "data.root=sounds", "trainer.accelerator=cuda")


def test_starter_weights_are_off_for_a_network_of_another_shape_and_said(
    sounds: Path, train_here: Train, capsys: pytest.CaptureFixture[str]
) -> None:
    run_dir = train_here("run", "data.root=sounds", "model.starter=synthesised", ONE_EPOCH)
    shown = capsys.readouterr().out
    assert "starter weights none: they are made for channels 128, this network has 8" in shown
    with (run_dir / "config.yaml").open() as file:
        settings = file.read()
    assert "starter: null" in settings
    assert "lr: 0.004" in settings


@pytest.mark.slow
def test_all_stages_train_in_bf16(sounds: Path, train_here: Train) -> None:
    """As a default run does on CPUs with AMX, and on GPUs."""
    words = [*TINY_VOCODER, *TINY_PRIOR, "stages=[codec,vocoder,prior]", "data.root=sounds"]
    words += [f"{group}.max_epochs=1" for group in ("trainer", "vocoder", "prior")]
    run_dir = train_here("run", *words, "trainer.precision=bf16-mixed")
    summary = json.loads((run_dir / "summary.json").read_text())
    assert [stage["epochs"] for stage in summary["stages"].values()] == [1, 1, 1]
    assert summary["finished"]
