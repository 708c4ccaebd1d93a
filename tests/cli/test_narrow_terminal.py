"""On a narrow terminal, labels are shorter, but each figure is whole, within one line."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.progress import Progress

from distill.catalog.catalog import Catalog
from distill.catalog.index import DEFAULT_FOLDER
from distill.cli.coding_view import mean_line, reconstructed_line
from distill.cli.coding_work import Coded, Reconstructed
from distill.cli.leaderboard_view import show_leaderboard
from distill.runs.rows import EpochRow, StepRow
from distill.runs.summary import StageSummary
from distill.sweep.job import DONE, Job
from distill.sweep.leaderboard import Leaderboard
from distill.sweep.results import Result
from distill.system.bars import file_columns, step_columns
from distill.system.terminal import console, say_figures
from distill.training.display import show_stage
from tests.helpers.made_bundle import VOCODER, publish_bundle
from tests.helpers.verbs import Run

Screen = Callable[[], list[str]]
LEVEL = {"utilization": 0.754, "perplexity": 712.3, "dead_codes": 251}
HEARD = {"val/mel_db": 0.75, "val/onset_db": 12.34, "val/peak_db": 3.45, "val/level_db": -6.7}
LEVEL_FIGURES = ("75.4%", "712.3", "251")


@pytest.fixture(params=[40, 60, 80, 120])
def screen(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Screen:
    """A terminal of this width; returns the lines on it, which all fit."""
    for name, value in {
        "_width": request.param,
        "_force_terminal": True,
        "soft_wrap": False,
        "_color_system": None,
    }.items():
        monkeypatch.setattr(console, name, value)

    def lines() -> list[str]:
        shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", capsys.readouterr().out).splitlines()
        assert max(map(cell_len, shown)) <= request.param, shown
        return shown

    return lines


def assert_whole(lines: list[str], *figures: str, times: int = 1) -> None:
    """Each figure is there this often, each time as a word or words of its own in one line."""
    for figure in figures:
        found = sum(
            len(re.findall(rf"(?<![^\s│(]){re.escape(figure)}(?![^\s│,:;)])", line))
            for line in lines
        )
        assert found >= times, (figure, lines)
    assert "…" not in "".join(lines)


def test_the_closing_tables(screen: Screen) -> None:
    figures = {"train/loss": 1.2345, "val/loss": 1.3456, **HEARD}
    health = {f"level_{number}": LEVEL for number in range(3)}
    stage = StageSummary(
        stage="codec",
        finished=True,
        epochs=1200,
        elapsed_s=12_345.0,
        best_epoch=1100,
        final=figures,
        best=figures,
        warnings=[],
        skipped_steps=0,
        verdict="good",
        details={
            "codebook_size": 1024,
            "bitrate_kbps": 2.34,
            "health_positions": 123_456,
            "val_health_positions": 23_456,
            "health": health,
            "val_health": health,
        },
    )
    show_stage("a run with a very long name", stage, is_only=True, min_utilization=0.3)
    lines = screen()
    assert_whole(lines, "1200", "1100", "1024", "2.34 kbit/s", "123,456", "23,456", "3:25:45")
    assert_whole(lines, "1.2345", "1.3456", "0.75 dB", "12.34 dB", "3.45 dB", "-6.7 dB", times=2)
    assert_whole(lines, "75.4%", "712.3", times=6)
    assert_whole(lines, "251", times=3)


def test_an_epoch_and_its_levels(screen: Screen) -> None:
    row = EpochRow(
        stage="codec",
        epoch=12,
        epochs=1200,
        figures={"train/loss": 1.2345, "val/loss": 1.3456, **HEARD},
        details={
            "health": {"codebook_size": 1024, "positions": 9, "complete": True, "levels": [LEVEL]}
        },
        news=[],
        skipped_steps=3,
        elapsed_s=12_345.0,
        left_s=23_456.0,
    )
    for line in row.lines():
        say_figures(line, shorten=True)
    lines = screen()
    assert_whole(
        lines, "12/1200", "train 1.2345", "val 1.3456", "mel error 0.75 dB", "3:25:45 gone"
    )
    assert_whole(lines, "onset error 12.34 dB", "peak loss 3.45 dB", "level -6.7 dB", "rough")
    assert_whole(lines, "6:30:56 left", "level 0", "75.4%", "712.3 of 1024", "dead codes 251")


@pytest.mark.parametrize("left_s", [None, 23_456.0])
def test_the_bar_of_a_training(screen: Screen, left_s: float | None) -> None:
    row = StepRow("codec", 12, 1200, 123, 4567, 1.2345, 12_345.0, left_s)
    heading, note = row.fit(console.width)
    bar = Progress(*step_columns(), console=console)
    bar.add_task(heading, total=row.steps, completed=row.step, note=note)
    console.print(bar.get_renderable())
    time = "3:25:45 gone" if left_s is None else "6:30:56 left"
    assert_whole(screen(), "12/1200", "123/4567", "1.2345", time)


def test_the_bar_of_files(screen: Screen) -> None:
    bar = Progress(*file_columns(), console=console)
    bar.add_task("a long name of a sound, 12.wav", total=50_000, completed=12_345)
    console.print(bar.get_renderable())
    lines = [re.sub(r"a long [a-z ,]*…", "", line) for line in screen()]
    assert_whole(lines, "12345/50000", "-:--:--")


def test_the_leaderboard(screen: Screen) -> None:
    ranking = [
        Result(
            Job(number, [f"rvq.levels={number}", f"optimizer.lr=0.1{number}78924867"], DONE),
            Path("sweep"),
            mel_db=0.75,
            onset_db=12.34,
            level_db=-6.7,
            utilization=0.754,
            bitrate_kbps=2.34,
            epochs=1200,
            elapsed_s=12_345.0,
            name="a long name of a model",
        )
        for number in range(3)
    ]
    show_leaderboard(Leaderboard(ranking, ["rvq.levels", "optimizer.lr"], Path("s.csv"), None))
    lines = [re.sub(r"a long [a-z ]*…", "", line) for line in screen()]
    assert_whole(
        lines, "0.75 dB", "12.34 dB", "-6.7 dB", "75.4%", "2.34", "1,200", "3:25:45", times=3
    )
    assert_whole(lines, "0.1079", "0.1179", "0.1279", "s.csv")


def test_the_library(screen: Screen, tmp_path: Path, run: Run) -> None:
    models = Catalog(tmp_path / DEFAULT_FOLDER)
    for name in ("kit", "a kit with quite a long name, as they have"):
        publish_bundle(models, name, fields=VOCODER, final_val_loss=0.125)
    lines = run("library", "list").out
    assert max(map(cell_len, lines)) <= console.width
    lines = [re.sub(r"a kit [a-z ,]*…", "", line) for line in lines]
    size = f"{models.find('kit').size_bytes / 1e6:.1f} MB"
    assert_whole(lines, "2025-01-01 00:01", "2 × 8", size, "HiFi-GAN (200 ep)", times=2)
    for entry in models.entries():
        assert_whole(lines, entry.id[:8])
    assert_whole(lines, "10.00 dB", "87.5%", times=2)


def test_a_model_in_the_library(screen: Screen, tmp_path: Path, run: Run) -> None:
    entry = publish_bundle(Catalog(tmp_path / DEFAULT_FOLDER), "My Kit", fields=VOCODER)
    lines = run("library", "info", "My Kit").out
    for health in entry.codebook_health.values():
        assert_whole(lines, f"{health['utilization']:.1%}", f"{health['perplexity']:.1f}")
    assert_whole(lines, f"{entry.bitrate_kbps:.2f} kbit/s a channel")
    assert_whole(lines, f"{entry.sample_rate_hz:,} Hz", f"{entry.size_bytes / 1e6:.1f} MB")
    figures = [line for line in lines if not re.search(r"/|[0-9a-f]{16}", line)]
    assert max(map(cell_len, figures)) <= console.width


def test_lines_of_encode_and_reconstruct(screen: Screen) -> None:
    coded = Coded(duration_s=3723.0, channels=2, sample_rate_hz=44_100, bits=8_711_820)
    attacks = {"rise_ms": 15.7, "original_rise_ms": 2.0, "pre_ring_db": 12.34}
    result = Reconstructed(coded, 310.0, 3102.0, 0.58, 0.67, 12.34, 3.45, -6.7, attacks)
    say_figures(reconstructed_line(Path("listen/a long kick.wav"), result, verbose=True))
    say_figures(mean_line([result, result], verbose=True))
    lines = screen()
    assert_whole(lines, "mel error 0.58 dB", "0.67 dB as written", "12 x real time", times=2)
    assert_whole(lines, "onset error 12.34 dB", "level -6.7 dB", "rough", times=2)
    assert_whole(lines, "rise 15.7 ms", "original 2.0 ms", "pre-ring +12.3 dB", times=2)
    assert_whole(lines, "2.34 kbit/s", "44,100 Hz", "1.2 x real time", "1:02:03", "2 files")


def test_a_report_of_a_scan(screen: Screen) -> None:
    say_figures("drums and other sounds: 1,234 files used, 1:02:03 in all, 56 left out")
    say_figures("  used all the same: loops/kick.mp3: ends early, 1.5 s read; 78 % is not")
    lines = screen()
    assert_whole(lines, "1,234 files used", "1:02:03 in all", "56 left out")
    assert_whole(lines, "loops/kick.mp3:", "1.5 s read", "78 %")
