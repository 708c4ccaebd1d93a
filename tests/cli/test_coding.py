"""`python -m distill.encode|decode|reconstruct`, as typed: what is written, and what is told."""
# ruff: noqa: F401, F811
# fixtures are imported, and used by their names

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
import soundfile

from distill.catalog.catalog import Catalog
from distill.codec.codes import Codes
from tests.helpers.coding_verb import SPEED, Run, bundle, files, library, model, run, sound


def info(path: Path) -> tuple[int, int, int]:
    """Samples, channels and sample rate of a sound file."""
    told = soundfile.info(path)
    return told.frames, told.channels, told.samplerate


# -- encode ----------------------------------------------------------


def test_encoding_tells_what_each_file_takes(run: Run, model: Path, tmp_path: Path) -> None:
    sound(tmp_path / "kick.wav", rate_hz=44_100, samples=44_100, channels=2)
    told = run("encode", model, "kick.wav", "-o", "codes", "--verbose")
    assert (told.exit_code, told.err) == (0, [])
    codes = Codes.load(tmp_path / "codes" / "kick.distillcodes")
    assert (codes.samples, codes.sample_rate_hz, codes.indices.shape[0]) == (44_100, 44_100, 2)
    assert told.out[0] == (
        "model Tiny – 🥁 (id 01234567): 2 levels of 8 codes, 0.09 kbit/s a channel"
    )
    line = told.line_of("codes/kick.distillcodes")
    assert "1.0 s, 2 channels at 44,100 Hz" in line
    assert told.number("#", line) == pytest.approx(codes.bits / 1000, abs=0.005)
    assert f"{(tmp_path / 'codes/kick.distillcodes').stat().st_size:,} bytes" in line
    assert re.search(SPEED, line)
    assert len(told.out) == 2
    told = run("encode", model, "kick.wav", "-o", "codes", "--overwrite")
    size = (tmp_path / "codes/kick.distillcodes").stat().st_size
    assert told.out[1] == f"codes/kick.distillcodes: {size:,} bytes, 1.0 s"


@pytest.mark.parametrize(
    ("verb", "folder"), [("encode", "codes"), ("decode", "decoded"), ("reconstruct", "listen")]
)
def test_results_have_a_folder_of_their_own_which_is_named(
    run: Run, library: Catalog, tmp_path: Path, verb: str, folder: str
) -> None:
    name = sound(tmp_path / "kick.wav")
    assert run("encode", "tiny", name).exit_code == 0
    given = ["codes", "--overwrite"] if verb == "decode" else ["tiny", name, "--overwrite"]
    told = run(verb, *given)
    assert (told.exit_code, told.err) == (0, [])
    assert f"results go to {folder} (-o DIR for another folder)" in told.out
    assert len(files(tmp_path / folder)) == 1


def test_folder_keeps_its_structure_and_what_is_no_sound_is_told(
    run: Run, model: Path, tmp_path: Path
) -> None:
    for name in ("kick.wav", "a/kick.flac", "a/b c/音.ogg"):
        sound(tmp_path / "in" / name)
    (tmp_path / "in" / "a" / "notes.txt").write_text("no sound")
    (tmp_path / "in" / "empty.wav").touch()
    (tmp_path / "in" / ".hidden.wav").write_text("no sound")
    told = run("encode", model, "in", "-o", "out")
    assert (told.exit_code, told.err) == (0, [])
    assert files(tmp_path / "out") == [
        "a/b c/音.distillcodes",
        "a/kick.distillcodes",
        "kick.distillcodes",
    ]
    left_out = [line for line in told.out if line.startswith("left out: ")]
    assert len(left_out) == 2
    assert left_out[0].startswith("left out: in/empty.wav: ")
    assert left_out[1].startswith("left out: in/a/notes.txt: not audio")


def test_sounds_of_one_name_are_all_kept(run: Run, model: Path, tmp_path: Path) -> None:
    for name in ("in/kick.wav", "in/kick.aif", "other/kick.wav"):
        sound(tmp_path / name)
    sound(tmp_path / "other" / "kick.aif", samples=1_600)
    sound(tmp_path / "other" / "kick-2.wav", samples=800)
    assert run("encode", model, "in", "other/kick.aif", "other", "-o", "out").exit_code == 0
    out = tmp_path / "out"
    lengths = {name: Codes.load(out / name).samples for name in files(out)}
    assert lengths == {
        "kick.distillcodes": 3_200,
        "kick-3.distillcodes": 3_200,
        "kick-4.distillcodes": 1_600,
        "kick-5.distillcodes": 3_200,
        "kick-2.distillcodes": 800,
    }


def test_named_file_that_fails_does_not_stop_the_others(
    run: Run, model: Path, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("no sound")
    names = [sound(tmp_path / name) for name in ("a.wav", "b.wav")]
    told = run("encode", model, names[0], "notes.txt", names[1], "-o", "out")
    assert told.exit_code == 2
    assert files(tmp_path / "out") == ["a.distillcodes", "b.distillcodes"]
    assert told.err[0].startswith("distill: notes.txt: not audio")
    assert told.err[1:] == ["distill: 2 files done, 1 not"]


def test_a_single_mistake_is_told_in_one_line(run: Run, model: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no sound")
    told = run("encode", model, "notes.txt", "-o", "out")
    assert told.exit_code == 2
    assert len(told.err) == 1
    assert told.err[0].startswith("distill: notes.txt: not audio")


def test_folder_without_any_sound_is_a_mistake(run: Run, model: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in range(12):
        (tmp_path / "in" / f"{number}.txt").write_text("no sound")
    told = run("encode", model, "in", "-o", "out")
    assert (told.exit_code, told.err) == (2, ["distill: 0 files done, 12 not"])
    assert len([line for line in told.out if "not audio" in line]) == 12, "each by its name"


def test_result_that_is_there_is_kept_unless_told_otherwise(
    run: Run, model: Path, tmp_path: Path
) -> None:
    name, result = sound(tmp_path / "a.wav"), tmp_path / "out" / "a.distillcodes"
    result.parent.mkdir()
    result.write_bytes(b"precious")
    told = run("encode", model, name, "-o", "out")
    assert told.exit_code == 2
    assert "out/a.distillcodes: is there already; add --overwrite" in told.err[0]
    assert result.read_bytes() == b"precious"
    assert run("encode", model, name, "-o", "out", "--overwrite").exit_code == 0
    assert Codes.load(result).samples == 3_200
    assert files(result.parent) == ["a.distillcodes"]


@pytest.mark.parametrize("out", ["in", "in/codes", "."])
def test_encoding_a_folder_again_makes_nothing_new(
    run: Run, model: Path, tmp_path: Path, out: str
) -> None:
    """Also where the results lie among the sounds."""
    for name in ("a.wav", "b/a.wav"):
        sound(tmp_path / "in" / name)
    assert run("encode", model, "in", "-o", out).exit_code == 0
    made = files(tmp_path)
    assert len(made) == 5
    told = run("encode", model, "in", "-o", out)
    assert files(tmp_path) == made
    assert told.exit_code == 2
    assert sum("is there already" in line for line in told.out) == 2


def test_first_levels_take_less(run: Run, model: Path, tmp_path: Path) -> None:
    name = sound(tmp_path / "a.wav", samples=16_000)
    whole = run("encode", model, name, "-o", "whole", "-v")
    told = run("encode", model, name, "-o", "coarse", "-v", "--levels", "1")
    assert ": 1 level of 8 codes, 0.05 kbit/s a channel" in told.out[0]
    rates = [
        answer.number(" #" + " kbit/s", answer.line_of(f"{folder}/a.distillcodes"))
        for answer, folder in ((whole, "whole"), (told, "coarse"))
    ]
    assert rates[1] == pytest.approx(rates[0] / 2, abs=0.006)
    assert Codes.load(tmp_path / "coarse" / "a.distillcodes").levels == 1


@pytest.mark.parametrize("verb", ["encode", "reconstruct"])
def test_levels_that_the_model_does_not_have(
    run: Run, model: Path, tmp_path: Path, verb: str
) -> None:
    told = run(verb, model, sound(tmp_path / "a.wav"), "-o", "out", "--levels", "3")
    assert (told.exit_code, told.err) == (2, ["distill: levels=3: this model has 2"])
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("word", ["tiny", "Tiny – 🥁", "0123", "tiny.distillgan", "run"])
def test_model_is_found_by_any_of_its_names(
    run: Run, library: Catalog, model: Path, tmp_path: Path, word: str
) -> None:
    (tmp_path / "run").mkdir()
    model.rename(tmp_path / "run" / "best.distillgan")
    told = run("encode", word, sound(tmp_path / "a.wav"), "-o", "out")
    assert (told.exit_code, told.err) == (0, [])


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes")
def test_names_of_any_bytes_are_told_in_one_line(run: Run, model: Path, tmp_path: Path) -> None:
    sys.stdout.reconfigure(errors="backslashreplace")  # as the terminal is when a verb starts
    names = [b"line\nbreak", b"caf\xe9", b"[red]x[bold]", b"\x1b[31m", b"-o", "🥁".encode()]
    for name in names:
        sound(tmp_path / "loud.wav").rename(tmp_path / "in.wav")
        (tmp_path / "in").mkdir(exist_ok=True)
        os.rename(tmp_path / "in.wav", os.fsencode(tmp_path / "in") + b"/" + name + b".wav")
    told = run("encode", model, "in", "-o", "out")
    assert (told.exit_code, told.err) == (0, [])
    made = {os.fsencode(name) for name in files(tmp_path / "out")}
    assert made == {name + b".distillcodes" for name in names}
    assert len(told.out) == 1 + len(names)
    assert "\x1b" not in "".join(told.out)


# -- decode ----------------------------------------------------------


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


def test_model_is_found_by_the_checksum_among_others(
    run: Run, library: Catalog, coded: Path, tmp_path: Path
) -> None:
    library.delete(*library.entries())
    for seed in (1, 0, 2):  # states of the same model
        library.publish(bundle(tmp_path / f"{seed}.distillgan", seed=seed))
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
    for part in (coded.name, "made by Tiny – 🥁", "longer or shorter", "--model"):
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
    assert told.err[1] == "distill: 1 file done, 1 not"
    told = run("decode", coded.parent / "cut.distillcodes", "-o", "out")
    assert told.exit_code == 2
    assert "cut.distillcodes: truncated or damaged" in told.err[0]
    told = run("decode", tmp_path / "in", "-o", "out")
    assert told.exit_code == 2
    assert "no .distillcodes in there" in told.err[0]


def test_format_that_cannot_hold_the_sound_leaves_nothing(
    run: Run, library: Catalog, tmp_path: Path
) -> None:
    name = sound(tmp_path / "kick.wav", channels=3)
    assert run("encode", "tiny", name, "-o", "codes").exit_code == 0
    told = run("decode", "codes/kick.distillcodes", "-o", "out", "--format", "mp3")
    assert told.exit_code == 2
    assert "kick.mp3: mp3 does not hold 3 channels" in told.err[0]
    assert "--format wav" in told.err[0]
    assert files(tmp_path / "out") == []
