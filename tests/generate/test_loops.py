"""`distill.generate --loop --bpm`: loops in time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from distill.generation import loops
from distill.generation.rhythm import Beat
from tests.helpers.made_bundle import make_bundle
from tests.helpers.tiny_bundle import prior_state
from tests.helpers.verbs import Run


@pytest.fixture
def kit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tiny model; what it decodes has no beat of its own, so one is said to be in the snares."""
    calls = iter([None] * 3 + [Beat((4, 12, 20), (0, 2, 4), 4.0, 30)] * 3)
    monkeypatch.setattr(loops, "beat_of", lambda mel, frame_s: next(calls))
    monkeypatch.setattr(loops, "steady_part", lambda mel, frame_s: None)
    return make_bundle(
        tmp_path / "kit.distillgan", fields={"prior_state": prior_state()}, name="kit"
    )


@pytest.mark.parametrize(("bpm", "bars"), [(90, 1), (128, 2), (174, 2)])
def test_a_loop_in_time_is_exact_and_is_repeated_without_drift(
    kit: Path, run: Run, bpm: int, bars: int
) -> None:
    asked = ("--loop", "--bpm", str(bpm), "--bars", str(bars), "--rate", "44100")
    told = run("generate", kit, "-n", "1", "-o", "out", *asked)
    assert told.exit_code == 0, told.stderr
    (path,) = Path("out").glob("*.wav")
    assert path.name == f"snare_kit_0_001_{bpm}bpm.wav"
    waveform, rate_hz = soundfile.read(path)
    exact = bars * 4 * 60 / bpm * rate_hz
    assert abs(len(waveform) - exact) <= 0.5
    assert abs(10 * len(waveform) - 10 * exact) <= 5
    steps = np.abs(np.diff(waveform))
    assert abs(waveform[0] - waveform[-1]) <= np.median(steps[steps > 0])


def test_a_class_whose_sounds_die_away_is_named_with_those_that_can(kit: Path, run: Run) -> None:
    run("generate", kit, "--loop", "--class", "kick").is_mistake(
        "class kick: its sounds all die away, and cannot be repeated; of these they can: snare"
    )


def test_each_call_has_loops_of_its_own(
    kit: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    beat = Beat((4, 12, 20), (0, 2, 4), 4.0, 30)
    monkeypatch.setattr(loops, "beat_of", lambda mel, frame_s: beat)
    for _ in range(2):
        told = run("generate", kit, "-n", "1", "-o", "out", "--loop", "--bpm", "120")
        assert told.exit_code == 0, told.stderr
    assert len(list(Path("out").glob("*_kit_[01]_001_120bpm.wav"))) == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--bpm", "128"], "--bpm: only a loop has a tempo; add --loop"),
        (["--loop", "--bars", "2"], "a loop of so many bars or beats has a tempo: add --bpm"),
        (["--loop", "--bpm", "20"], "bpm 20: must be from 30 to 300"),
        (["--loop", "--bpm", "nan"], "bpm nan: must be from 30 to 300"),
        (["--loop", "--bpm", "90", "--beats", "65"], "beats 65: must be from 1 to 64"),
        (["--loop", "--bpm", "90", "--bars", "17"], "17 is not a whole number from 1 to 16"),
        (
            ["--loop", "--bpm", "90", "--length", "2"],
            "--length: --bpm and the beats say how long a loop is",
        ),
    ],
)
def test_a_mistake_is_one_line(kit: Path, run: Run, words: list[str], told: str) -> None:
    run("generate", kit, "-o", "out", *words).is_mistake(told)
    assert not Path("out").exists()
