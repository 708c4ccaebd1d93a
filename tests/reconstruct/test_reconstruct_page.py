"""`python -m distill.reconstruct` leaves a page to listen, beside the results."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile

from distill.audio.sound_file import SoundFile
from distill.reconstruct import page
from tests.helpers.listening import read_page, rows_on_record
from tests.helpers.sounds import sound
from tests.helpers.verbs import Run, files, results

LAST = "to listen, open in a browser: out/listen.html"


def test_the_page_has_each_file_and_is_named_last(run: Run, model: Path, tmp_path: Path) -> None:
    for number in range(3):
        sound(tmp_path / "in" / f"sub {number}" / "ki#ck.flac", hz=200 + 300 * number, channels=2)
    told = run("reconstruct", model, "in", "-o", "out", "--format", "ogg")
    assert (told.exit_code, told.err, told.out[-1]) == (0, [], LAST)
    shown = read_page(tmp_path / "out" / "listen.html")
    assert sorted(shown.names) == [f"sub {number}/ki#ck.flac" for number in range(3)]
    assert "Listen: Tiny – 🥁" in shown.text
    rows = rows_on_record(tmp_path / "out")
    assert {row["file"] for row in rows} == {f"sub {number}/ki#ck.ogg" for number in range(3)}
    for row in rows:
        heard = {"onset_db", "peak_db", "level_db", "mel_db", "rise_ms", "original_rise_ms"}
        assert set(row["figures"]) == heard  # type: ignore[call-overload]
    originals = sorted((tmp_path / "out" / "listen_files").glob("*_original.ogg"))
    assert len(originals) == 3
    for original in originals:
        info = soundfile.info(original)
        assert (info.channels, info.frames) == (2, 3_200)
        assert SoundFile.open(original).made_with, "so that it is never learned from"


def test_a_second_call_adds_to_the_page(run: Run, model: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        path = sound(tmp_path / f"{name}.wav")
        assert run("reconstruct", model, path, "-o", "out").out[-1] == LAST
    assert sorted(read_page(tmp_path / "out" / "listen.html").names) == ["a.wav", "b.wav"]
    before = files(tmp_path / "out")
    told = run("reconstruct", model, path, "-o", "out", "--overwrite")
    assert (told.exit_code, files(tmp_path / "out")) == (0, before)
    assert sorted(read_page(tmp_path / "out" / "listen.html").names) == ["a.wav", "b.wav"]


def test_without_a_new_result_there_is_no_word_of_a_page(
    run: Run, model: Path, tmp_path: Path
) -> None:
    path = sound(tmp_path / "a.wav")
    run("reconstruct", model, path, "-o", "out")
    told = run("reconstruct", model, path, "-o", "out")
    told.is_mistake("already exists")
    assert "browser" not in told.stdout


def test_of_a_long_sound_the_page_has_the_beginning(
    run: Run, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "LONGEST_S", 0.5)
    sound(tmp_path / "in" / "long.wav", samples=20_000)
    sound(tmp_path / "in" / "short.wav", samples=8_000)
    run("reconstruct", model, "in", "-o", "out")
    shown = read_page(tmp_path / "out" / "listen.html")
    assert "the first 0.5 s of 1.2 s" in shown.text
    assert shown.links.count("long.wav") == 1, "the whole result has a link"
    assert results(tmp_path / "out") == ["long.wav", "short.wav"]
    assert soundfile.info(tmp_path / "out" / "long.wav").frames == 20_000
    excerpts = [path for path in (tmp_path / "out" / "listen_files").glob("long*.wav")]
    assert [soundfile.info(path).frames for path in excerpts] == [8_000, 8_000]
    assert len(list((tmp_path / "out" / "listen_files").glob("short*.wav"))) == 1


def test_a_page_that_cannot_be_written_costs_no_result(
    run: Run, model: Path, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        sound(tmp_path / "in" / f"{name}.wav")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "listen_files").write_text("a file of the user")
    told = run("reconstruct", model, "in", "-o", "out")
    told.is_mistake("out: the results are there, but not all of the page to listen")
    assert files(tmp_path / "out") == [
        "a.wav",
        "b.wav",
        "listen_files",
    ]
    warnings = [line for line in [*told.out, *told.err] if "warning" in line]
    assert warnings == ["warning: the page to listen is not complete: File exists"]


def test_the_results_and_their_page_are_not_done_again(
    run: Run, model: Path, tmp_path: Path
) -> None:
    sound(tmp_path / "kit" / "a.wav")
    for out in ("kit/listen", "kit/again"):
        told = run("reconstruct", model, "kit", "-o", out)
        assert results(tmp_path / out) == ["a.wav"]
    left_out = [line for line in told.out if line.startswith("left out: ")]
    kinds = ("listen_files: ", "a.wav: ", "listen.html: ")
    assert len(left_out) == len(kinds)
    assert all(any(kind in line for line in left_out) for kind in kinds)
    assert all("distill's own output" in line for line in left_out)
