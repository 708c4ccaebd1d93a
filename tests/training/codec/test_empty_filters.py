"""Empty mel filters: a run says so in one line, with what to type; a sweep says it once."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from distill.settings.compose import load_config
from distill.training.codec.filters import describe_empty_filters
from tests.helpers.runs import TINY
from tests.helpers.verbs import Run

RUN = [*TINY, "mel.n_mels=64", "mel.n_fft=256", "data.root=sounds"]
Train = Callable[..., subprocess.CompletedProcess[str]]


def lines_about_filters(output: str) -> list[str]:
    return [line for line in output.splitlines() if "mel filter" in line]


def test_what_to_type_is_in_the_line_and_helps() -> None:
    mel = load_config(["mel.n_fft=512", "mel.hop_length=128"]).mel
    line = describe_empty_filters(mel, fixed=False)
    assert line is not None
    assert "11 mel filters are empty" in line
    for typed in line.partition("; type ")[2].split(" or "):
        better = load_config(["mel.n_fft=512", "mel.hop_length=128", typed]).mel
        assert describe_empty_filters(better, fixed=False) is None
    assert describe_empty_filters(load_config([]).mel, fixed=False) is None


@pytest.mark.slow
def test_a_run_says_it_once_and_again_when_resumed(sounds: Path, tmp_path: Path, run: Run) -> None:
    first = run("train", *RUN, "hydra.run.dir=run", "trainer.max_epochs=1")
    (line,) = lines_about_filters(first.stdout + first.stderr)
    assert line.startswith("warning: mel.n_mels=64: ")
    assert "; type mel.n_mels=" in line
    again = run("train", "resume=run", "trainer.max_epochs=2")
    (line,) = lines_about_filters(again.stdout + again.stderr)
    assert "in a new run, type mel.n_mels=" in line
    assert "mel filterbank has all zero" not in (tmp_path / "run" / "train.log").read_text()


@pytest.mark.slow
def test_a_sweep_says_it_once(sounds: Path, tmp_path: Path, run: Run) -> None:
    answer = run("train", "-m", *RUN, "trainer.max_epochs=1", "rvq.levels=1,2")
    assert answer.exit_code == 0, answer.stderr
    assert len(lines_about_filters(answer.stdout + answer.stderr)) == 1
    logs = list(tmp_path.glob("outputs/multirun/*/*/train.log"))
    assert len(logs) == 2
    for log in logs:
        assert "1 mel filter is empty" in log.read_text()


@pytest.mark.slow
def test_a_sweep_over_the_mel_says_which(
    sounds: Path, tmp_path: Path, distill_train: Train
) -> None:
    answer = distill_train("-m", *RUN, "trainer.max_epochs=1", "mel.n_mels=16,64,96,5000")
    lines = lines_about_filters(answer.stdout + answer.stderr)
    assert [line.split(":")[1] for line in lines] == [" mel.n_mels=64", " mel.n_mels=96"]
