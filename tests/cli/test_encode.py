"""`python -m distill.encode`, as typed: what is written, and what is told."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from distill.catalog.catalog import Catalog
from distill.codec.codes import Codes
from tests.helpers.sounds import sound
from tests.helpers.verbs import SPEED, Run, files


def test_encoding_tells_what_each_file_takes(run: Run, model: Path, tmp_path: Path) -> None:
    sound(tmp_path / "kick.wav", rate_hz=44_100, samples=44_100, channels=2)
    told = run("encode", model, "kick.wav", "-o", "codes", "--verbose")
    assert (told.exit_code, told.err) == (0, [])
    codes = Codes.load(tmp_path / "codes" / "kick.distillcodes")
    assert (codes.samples, codes.sample_rate_hz, codes.channels) == (44_100, 44_100, 2)
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
    results = [file for file in files(tmp_path / folder) if not file.startswith("listen")]
    assert len(results) == 1  # beside the page to listen and its files


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
    assert len(left_out) == 3
    assert left_out[0].startswith("left out: in/.hidden.wav: ")
    assert left_out[1].startswith("left out: in/empty.wav: ")
    assert left_out[2].startswith("left out: in/a/notes.txt: not audio")


def test_links_to_folders_and_hidden_sounds_are_encoded_once(
    run: Run, model: Path, tmp_path: Path
) -> None:
    """As a run learns from them."""
    for name in ("in/kick.wav", "in/.hidden.wav", "elsewhere/snare.wav"):
        sound(tmp_path / name)
    for name, target in (("linked", "../elsewhere"), ("twice", "../elsewhere"), ("up", ".")):
        (tmp_path / "in" / name).symlink_to(target, target_is_directory=True)
    told = run("encode", model, "in", "-o", "in/codes")
    assert (told.exit_code, told.err) == (0, [])
    made = [".hidden.distillcodes", "kick.distillcodes", "linked/snare.distillcodes"]
    assert files(tmp_path / "in" / "codes") == made
    assert not [line for line in told.out if line.startswith("left out: ")]


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
    assert told.err[1:] == ["distill: 2 files done, 1 not done"]


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
    assert (told.exit_code, told.err) == (2, ["distill: 0 files done, 12 not done"])
    assert len([line for line in told.out if "not audio" in line]) == 12, "each by its name"


def test_result_that_is_there_is_kept_unless_told_otherwise(
    run: Run, model: Path, tmp_path: Path
) -> None:
    name, result = sound(tmp_path / "a.wav"), tmp_path / "out" / "a.distillcodes"
    result.parent.mkdir()
    result.write_bytes(b"precious")
    told = run("encode", model, name, "-o", "out")
    assert told.exit_code == 2
    assert "out/a.distillcodes: already exists; add --overwrite" in told.err[0]
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
    assert sum("already exists" in line for line in told.out) == 2


def test_first_levels_take_less(run: Run, model: Path, tmp_path: Path) -> None:
    name = sound(tmp_path / "a.wav", samples=16_000)
    whole = run("encode", model, name, "-o", "whole", "-v")
    told = run("encode", model, name, "-o", "coarse", "-v", "--levels", "1")
    assert ": 1 level of 8 codes, 0.05 kbit/s a channel" in told.out[0]
    rates = [
        answer.number(" #" + " kbit/s", answer.line_of(f"{folder}/a.distillcodes"))
        for answer, folder in ((whole, "whole"), (told, "coarse"))
    ]
    assert rates[1] == pytest.approx(rates[0] / 2, abs=0.014)  # and 16 bits of facts
    assert Codes.load(tmp_path / "coarse" / "a.distillcodes").levels == 1


def test_effort_is_told_and_takes_no_more_room(run: Run, model: Path, tmp_path: Path) -> None:
    name = sound(tmp_path / "a.wav")
    sizes, codes = set(), []
    for effort in ("0", "1", "2"):
        told = run("encode", model, name, "-o", effort, "--effort", effort)
        assert (told.exit_code, told.err) == (0, [])
        assert told.out[0].endswith(
            "0.09 kbit/s a channel" + (f", effort {effort}" if effort != "0" else "")
        )
        path = tmp_path / effort / "a.distillcodes"
        sizes.add(path.stat().st_size)
        codes.append(Codes.load(path).indices)
        told = run("decode", path.relative_to(tmp_path), "--model", model, "-o", f"{effort}-wav")
        assert (told.exit_code, told.err) == (0, [])
    assert len(sizes) == 1
    assert run("encode", model, name, "-o", "usual").exit_code == 0
    usual = Codes.load(tmp_path / "usual" / "a.distillcodes").indices
    assert [bool((each == usual).all()) for each in codes] == [True, False, False]
    told = run("reconstruct", model, name, "-o", "listen", "--effort", "2")
    assert told.exit_code == 0
    assert ", effort 2, " in told.out[0]


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
