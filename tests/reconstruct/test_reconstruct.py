"""`python -m distill.reconstruct`, as typed: sounds as long as the originals, and their figures."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
import soundfile
import torch

from distill.audio.sound_file import SoundFile
from distill.bundle.loading import load_bundle
from distill.codec.attack import measure_attacks
from distill.codec.mel_error import compare_mels
from tests.helpers.sounds import sound, tone
from tests.helpers.verbs import SPEED, Run, files, results

ERRORS = "mel error # dB"
HEARD = " dB, # dB as written"
ONSET = "onset error # dB"
FIGURES = re.compile(
    r"mel error \d+\.\d\d dB, \d+\.\d\d dB as written, "
    r"onset error \d+\.\d\d dB, peak loss -?\d+\.\d\d dB, level [+-]\d+\.\d dB"
    r"(, rise \d+\.\d ms \(original \d+\.\d ms\))?(, pre-ring [+-]\d+\.\d dB)?"
    r"(, side -?\d+\.\d dB \(original -?\d+\.\d dB\))?: "
    r"(close|recognisable \([a-z ]+\)|rough \([a-z ]+\)), .*"
    rf"kbit/s, encoded at {SPEED}, decoded at {SPEED}$"
)


def read(path: Path) -> tuple[torch.Tensor, int]:
    """(C, T) and the sample rate."""
    samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    return torch.from_numpy(samples.T.copy()), rate_hz


@pytest.mark.parametrize(
    ("name", "form", "samples", "channels", "rate_hz"),
    [
        ("a.wav", "mp3", 1, 1, 48_000),
        ("a.mp3", "wav", 4_000, 2, 22_050),
        ("a.ogg", "flac", 3_001, 2, 44_100),
        ("a.aif", "ogg", 2_000, 1, 16_000),
        ("a.flac", "mp3", 1_000, 2, 8_000),
        ("a.wav", "wav", 999, 9, 44_101),
        ("a.wav", "wav", 200, 1, 1_000),
        ("a.wav", "wav", 999, 2, 192_000),
    ],
)
def test_rate_channels_and_length_stay(
    run: Run,
    model: Path,
    tmp_path: Path,
    name: str,
    form: str,
    samples: int,
    channels: int,
    rate_hz: int,
) -> None:
    path = sound(tmp_path / name, samples=samples, channels=channels, rate_hz=rate_hz, hz=99)
    told = run("reconstruct", model, path, "-o", "out", "-v", "--format", form)
    assert (told.exit_code, told.err) == (0, [])
    assert results(tmp_path / "out") == [f"a.{form}"]
    written, written_hz = read(tmp_path / "out" / f"a.{form}")
    assert (written.shape, written_hz) == ((channels, samples), rate_hz)
    assert FIGURES.search(told.line_of(f"out/a.{form}"))
    assert not [line for line in told.out if line.startswith("mean of")]


def test_mel_errors_are_those_of_codes_and_of_the_written_sound(
    run: Run, model: Path, tmp_path: Path
) -> None:
    path = sound(tmp_path / "a.wav", samples=4_321, channels=2)
    told = run("reconstruct", model, path, "-o", "out", "-v", "--levels", "1")
    line = told.line_of("out/a.wav")
    loaded = load_bundle(model)
    original, written = (read(file)[0] for file in (path, tmp_path / "out" / "a.wav"))
    codes = loaded.encode(original, 16_000, levels=1)
    expected = compare_mels(
        loaded.codec.mels([original], 16_000),
        loaded.codec.decoded_mels(codes),
        loaded.codec.mels([written], 16_000),
        spectrogram=loaded.codec.spectrogram,
    )
    given = [told.number(ERRORS, line), told.number(HEARD, line)]
    assert given == pytest.approx([each.error_db for each in expected], abs=0.006)
    assert told.number(" # kbit/s", line) == pytest.approx(codes.bitrate_kbps, abs=0.006)
    heard = loaded.decode(codes)
    torch.testing.assert_close(written, heard, atol=1e-5, rtol=0)


def test_onset_and_level_are_those_of_the_written_sound(
    run: Run, model: Path, tmp_path: Path
) -> None:
    """As `hearing.py files` computes them, for a sound behind silence."""
    samples = np.pad(np.random.default_rng(0).normal(0, 0.1, 6_000), (5_000, 0))
    soundfile.write(tmp_path / "a.wav", samples, 16_000, subtype="FLOAT")
    told = run("reconstruct", model, "a.wav", "-o", "out")
    line = told.line_of("out/a.wav")
    mel = load_bundle(model).codec.spectrogram
    original, written = (read(file)[0] for file in (tmp_path / "a.wav", tmp_path / "out" / "a.wav"))
    before, after = (mel.to_decibels(mel(each[:, None]))[0, 0] for each in (original, written))
    start = int((before.max(dim=0).values > -50).nonzero()[0])
    assert start > 30
    onset = (before - after)[:, start : start + 6].abs().mean().item()
    level = 10 * np.log10((written.square().sum() / original.square().sum()).item())
    assert told.number(ONSET, line) == pytest.approx(onset, abs=0.006)
    found = re.search(r"level ([+-][\d.]+) dB", line)
    assert found is not None
    assert float(found[1]) == pytest.approx(level, abs=0.06)


def test_rise_and_pre_ring_are_those_of_the_written_sound(
    run: Run, model: Path, tmp_path: Path
) -> None:
    """Of a click behind 40 ms of silence, in two channels, and of one 10 ms after another."""
    click = 0.8 * np.exp(-np.arange(4_000) / 400)
    mono = np.concatenate([np.zeros(640), click, np.zeros(800), click])
    (tmp_path / "in").mkdir()
    soundfile.write(tmp_path / "in" / "a.wav", np.stack([mono, 0.5 * mono], axis=1), 16_000)
    soundfile.write(tmp_path / "in" / "b.wav", click, 16_000)
    told = run("reconstruct", model, "in", "-o", "out")
    rises, rings = [], []
    for name in ("a.wav", "b.wav"):
        pair = [read(tmp_path / folder / name)[0] for folder in ("in", "out")]
        attacks = measure_attacks(pair[0], pair[1], rate_hz=16_000)
        assert attacks is not None
        assert attacks.original_rise_ms == 0
        rises.append(attacks.rise_ms)
        line = told.line_of(f"out/{name}")
        assert f", rise {attacks.rise_ms:.1f} ms (original 0.0 ms)" in line
        if attacks.pre_ring_db is not None:
            rings.append(attacks.pre_ring_db)
            assert f", pre-ring {attacks.pre_ring_db:+.1f} dB" in line
        assert ("pre-ring" in line) == (name == "a.wav")
    (mean,) = [line for line in told.out if line.startswith("mean of 2 files: ")]
    assert f", rise {sum(rises) / 2:.1f} ms (original 0.0 ms), pre-ring {rings[0]:+.1f} dB" in mean


def test_several_files_end_with_their_mean(run: Run, model: Path, tmp_path: Path) -> None:
    for number, samples in enumerate((3_200, 16_000)):
        sound(tmp_path / "in" / f"{number}.wav", samples=samples, hz=200 + 999 * number)
    (tmp_path / "in" / "notes.txt").write_text("no sound")
    told = run("reconstruct", model, "in", "-o", "out", "-v")
    assert (told.exit_code, told.err) == (0, [])
    mean = told.out[-2]
    assert mean.startswith("mean of 2 files: ")
    assert FIGURES.search(mean)
    lines = [told.line_of(f"out/{number}.wav") for number in range(2)]
    for figure in (ERRORS, HEARD, ONSET):
        each = [told.number(figure, line) for line in lines]
        assert each[0] != each[1]
        assert told.number(figure, mean) == pytest.approx(sum(each) / 2, abs=0.011)
    bits = [told.number(" # kbit/s", line) * s for line, s in zip(lines, (0.2, 1.0), strict=True)]
    assert told.number(" # kbit/s", mean) == pytest.approx(sum(bits) / 1.2, abs=0.011)


def test_the_side_of_two_channels_is_told(run: Run, model: Path, tmp_path: Path) -> None:
    left = tone(300)
    for name, right, told_db in (("same", left, "-99.0"), ("opposite", -left, "0.0")):
        path = tmp_path / f"{name}.wav"
        soundfile.write(path, np.stack([left, right], axis=1), 16_000, subtype="FLOAT")
        line = run("reconstruct", model, path, "-o", "out").line_of(f"out/{name}.wav")
        assert f", side {told_db} dB (original {told_db} dB): " in line


def test_lines_are_short_unless_more_is_asked_for(run: Run, model: Path, tmp_path: Path) -> None:
    for number in range(2):
        sound(tmp_path / "in" / f"{number}.wav")
    told = run("reconstruct", model, "in", "-o", "out")
    short = r": mel error \d+\.\d\d dB, \d+\.\d\d dB as written, onset error .*: rough \(level\)$"
    assert all(re.search(short, line) for line in told.out[1:-1])
    assert len(told.out) == 5


def test_what_was_done_is_told_though_another_file_fails(
    run: Run, model: Path, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("no sound")
    names = [sound(tmp_path / f"{number}.wav", hz=200 + number) for number in range(2)]
    told = run("reconstruct", model, "notes.txt", *names, "-o", "out")
    assert told.exit_code == 2
    assert told.err[0].startswith("distill: notes.txt: not audio")
    assert told.out[-2].startswith("mean of 2 files: ")
    assert results(tmp_path / "out") == ["0.wav", "1.wav"]


@pytest.mark.parametrize("more", [[], ["--overwrite"]], ids=str)
def test_no_original_is_ever_overwritten(
    run: Run, model: Path, tmp_path: Path, more: list[str]
) -> None:
    path, other = sound(tmp_path / "in" / "a.wav"), sound(tmp_path / "in" / "b.flac")
    (tmp_path / "link").symlink_to("in")
    before = path.read_bytes(), other.read_bytes()
    for words in ([path, "-o", "in"], [path, "-o", "link"], ["link/a.wav", "-o", "in"]):
        told = run("reconstruct", model, *words, *more)
        assert told.exit_code == 2
        assert "a.wav: the result would overwrite it; choose another -o" in told.err[0]
    told = run("reconstruct", model, "in", "-o", "link", *more)
    assert told.exit_code == 2
    assert "in: the results would be among these files; choose another -o" in told.err[0]
    assert (path.read_bytes(), other.read_bytes()) == before
    assert files(tmp_path / "in") == ["a.wav", "b.flac"]
    # nor is the one sound by the result of the other
    told = run("reconstruct", model, other, path, "-o", "in", *more)
    assert told.exit_code == 2
    assert path.read_bytes() == before[0]


def test_format_that_cannot_hold_the_sound_is_told_before_the_work(
    run: Run, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_in_vain(*words: object) -> NoReturn:
        raise AssertionError("the sound was read")

    path = sound(tmp_path / "a.wav", channels=3)
    monkeypatch.setattr(SoundFile, "blocks", read_in_vain)
    told = run("reconstruct", model, path, "-o", "out", "--format", "mp3")
    assert told.exit_code == 2
    assert "a.mp3: mp3 cannot hold 3 channels" in told.err[0]
    assert "--format wav" in told.err[0]
    assert files(tmp_path / "out") == []


def test_seed_changes_the_sound_and_not_the_codes(run: Run, model: Path, tmp_path: Path) -> None:
    path = sound(tmp_path / "a.wav")
    told = {
        seed: run("reconstruct", model, path, "-o", seed, "--seed", seed) for seed in ("1", "2")
    }
    errors = [told[seed].number(ERRORS, told[seed].line_of(f"{seed}/a.wav")) for seed in told]
    assert errors[0] == errors[1]
    assert not torch.equal(read(tmp_path / "1" / "a.wav")[0], read(tmp_path / "2" / "a.wav")[0])
