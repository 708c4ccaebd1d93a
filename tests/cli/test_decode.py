"""`python -m distill.decode`, as typed: what is written, and what is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import soundfile

from distill.catalog.catalog import Catalog
from tests.helpers.made_bundle import bundle
from tests.helpers.sounds import sound
from tests.helpers.verbs import SPEED, Run, files


def info(path: Path) -> tuple[int, int, int]:
    """Samples, channels and sample rate of a sound file."""
    told = soundfile.info(path)
    return told.frames, told.channels, told.samplerate


@pytest.mark.parametrize(
    ("samples", "channels", "rate_hz", "form"),
    [
        (1, 1, 8_000, "mp3"),
        (2_001, 2, 44_100, "flac"),
        (1_600, 1, 48_000, "ogg"),
        (333, 9, 44_101, "wav"),
    ],
)
def test_codes_become_a_sound_like_the_original(
    run: Run, library: Catalog, tmp_path: Path, samples: int, channels: int, rate_hz: int, form: str
) -> None:
    name = tmp_path / "in" / "a" / "kick.wav"
    sound(name, samples=samples, channels=channels, rate_hz=rate_hz)
    assert run("encode", "tiny", "in", "-o", "codes").exit_code == 0
    told = run("decode", "codes", "-o", "out", "-v", "--format", form)
    assert (told.exit_code, told.err) == (0, [])
    assert files(tmp_path / "out") == [f"a/kick.{form}"]
    assert info(tmp_path / "out" / "a" / f"kick.{form}") == (samples, channels, rate_hz)
    assert told.out[0].startswith("model Tiny – 🥁 (id 01234567): 2 levels of 8 codes")
    line = told.line_of(f"out/a/kick.{form}")
    assert f"at {rate_hz:,} Hz, " in line
    assert re.search(rf"kbit/s, {SPEED}", line)


@pytest.fixture
def coded(run: Run, library: Catalog, tmp_path: Path) -> Path:
    """A code file whose model is in the library only."""
    sound(tmp_path / "in" / "kick.wav")
    assert run("encode", "tiny", "in", "-o", "codes").exit_code == 0
    (tmp_path / "tiny.distillgan").unlink()
    return tmp_path / "codes" / "kick.distillcodes"


def test_model_is_found_by_its_codec_among_others(
    run: Run, library: Catalog, coded: Path, tmp_path: Path
) -> None:
    library.delete(*library.entries())
    for seed in (1, 0, 2):  # states of the same model
        library.add(bundle(tmp_path / f"{seed}.distillgan", seed=seed))
    assert run("decode", coded, "-o", "out").exit_code == 0
    assert files(tmp_path / "out") == ["kick.wav"]


def test_seed_and_levels_are_heard(run: Run, coded: Path, tmp_path: Path) -> None:
    for out, more in {
        "a": [],
        "again": [],
        "seed": ["--seed", "1"],
        "levels": ["--levels", "1"],
    }.items():
        assert run("decode", coded, "-o", out, *more).exit_code == 0
    heard = {out.parent.name: out.read_bytes() for out in tmp_path.glob("*/kick.wav")}
    assert heard["a"] == heard["again"]
    assert len({heard[out] for out in ("a", "seed", "levels")}) == 3


def test_without_the_model_it_is_told_which_and_what_to_do(
    run: Run, library: Catalog, coded: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    told = run("decode", coded, "-o", "out", "--library", "empty")
    assert told.exit_code == 2
    for part in (coded.name, "Tiny – 🥁 (id 01234567)", "not in empty", "--model"):
        assert part in told.err[0]
    (entry,) = library.entries()
    library.delete(entry)
    library.publish(bundle(tmp_path / "further.distillgan", seed=1))
    told = run("decode", coded, "-o", "out")
    for part in (coded.name, "made by Tiny – 🥁", "more or less training", "--model"):
        assert part in told.err[0]
    assert not list((tmp_path / "out").glob("*"))
    model = bundle(tmp_path / "elsewhere.distillgan")
    assert run("decode", coded, "-o", "out", "--model", model).exit_code == 0


def test_wrong_model_is_refused_with_both_names(run: Run, coded: Path, tmp_path: Path) -> None:
    wrong = bundle(tmp_path / "b.distillgan", seed=1, model_id="feed" * 4, name="Other")
    told = run("decode", coded, "-o", "out", "--model", wrong)
    assert told.exit_code == 2
    for part in (coded.name, "made by another model (Tiny – 🥁, id 01234567", "not by Other"):
        assert part in told.err[0]
    assert files(tmp_path / "out") == []


def test_more_levels_than_a_code_file_has_are_told_with_its_name(
    run: Run, library: Catalog, tmp_path: Path
) -> None:
    name = sound(tmp_path / "kick.wav")
    assert run("encode", "tiny", name, "-o", "codes", "--levels", "1").exit_code == 0
    told = run("decode", "codes/kick.distillcodes", "-o", "out", "--levels", "2")
    assert told.exit_code == 2
    assert "levels=2: there are 1" in told.err[0]
    assert "kick.distillcodes" in told.err[0]
    assert files(tmp_path / "out") == []


def test_of_a_folder_all_code_files_are_decoded_but_for_damaged_ones_which_are_failures(
    run: Run, coded: Path, tmp_path: Path
) -> None:
    (coded.parent / "notes.txt").write_text("never looked at")
    (coded.parent / "cut.distillcodes").write_bytes(coded.read_bytes()[:-1])
    told = run("decode", "codes", "-o", "out")
    assert told.exit_code == 2
    assert files(tmp_path / "out") == ["kick.wav"]
    assert "cut.distillcodes: truncated or damaged" in told.err[0]
    assert told.err[1] == "distill: 1 file done, 1 not done"
    told = run("decode", coded.parent / "cut.distillcodes", "-o", "out")
    assert told.exit_code == 2
    assert "cut.distillcodes: truncated or damaged" in told.err[0]
    told = run("decode", tmp_path / "in", "-o", "out")
    assert told.exit_code == 2
    assert "contains no .distillcodes" in told.err[0]


def test_format_that_cannot_hold_the_sound_leaves_nothing(
    run: Run, library: Catalog, tmp_path: Path
) -> None:
    name = sound(tmp_path / "kick.wav", channels=3)
    assert run("encode", "tiny", name, "-o", "codes").exit_code == 0
    told = run("decode", "codes/kick.distillcodes", "-o", "out", "--format", "mp3")
    assert told.exit_code == 2
    assert "kick.mp3: mp3 cannot hold 3 channels" in told.err[0]
    assert "--format wav" in told.err[0]
    assert files(tmp_path / "out") == []
