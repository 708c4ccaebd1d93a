"""encode, decode and reconstruct as commands: mistakes, help, and being stopped midway."""

from __future__ import annotations

import io
import os
import re
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest
import soundfile
import torch
from rich.console import Console

from distill.bundle.loading import load_bundle
from distill.cli.batch import Meter
from distill.system import terminal
from tests.helpers.commands import Answer, answers_to, assert_one_line
from tests.helpers.forks import start
from tests.helpers.sounds import sound
from tests.helpers.verbs import Run, files, results

THERE = "../stand-in/torch/__init__.py"
"""A file, to be looked into only after torch was imported."""
VERBS = ("encode", "decode", "reconstruct")
MISTAKES: dict[str, tuple[str, ...]] = {
    f"encode nomodel {THERE} -o out": ("nomodel: no such model file", "outputs/library"),
    f"encode gone.distillgan {THERE} -o out": ("gone.distillgan: no such model file",),
    f"encode no/such.distillgan {THERE} -o out": ("no/such.distillgan: no such file",),
    "encode nomodel gone.wav -o out": ("gone.wav: no such file or folder",),
    f"encode nomodel {THERE}": ("nomodel: no such model file",),
    "encode": ("MODEL", "IN"),
    "decode": ("CODES",),
    f"encode nomodel {THERE} -o out --levels 0": (
        "--levels",
        "0 is not a whole number of at least 1",
    ),
    f"encode nomodel {THERE} -o out --levels two": (
        "--levels",
        "two",
        "a whole number of at least 1",
    ),
    f"encode nomodel {THERE} -o out --lvls 2": ("--lvls",),
    f"encode nomodel {THERE} -o out --effort 3": (
        "--effort",
        "3 is not a whole number from 0 to 2",
    ),
    f"reconstruct nomodel {THERE} -o out --effort much": (
        "--effort",
        "much is not a whole number from 0 to 2",
    ),
    f"decode {THERE} -o out --effort 1": ("--effort",),
    "decode gone.distillcodes -o out": ("gone.distillcodes: no such file or folder",),
    f"decode {THERE} -o out --model nomodel": ("nomodel: no such model file",),
    f"decode {THERE} -o out --format aiff": ("--format", "aiff", "flac", "mp3"),
    "decode ../stand-in -o out": ("../stand-in: contains no .distillcodes",),
    f"reconstruct nomodel {THERE} -o out": ("nomodel: no such model file",),
    f"reconstruct nomodel {THERE} -o out --seed x": ("--seed", "x"),
    f"reconstruct nomodel {THERE} -o out --seed {10**30}": ("--seed", str(10**30)),
    "encode nomodel ~backup.wav -o out": ("~backup.wav: ",),
}
"""Words → parts of the answer."""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Answer]:
    """What the commands say, with a torch that must not be imported."""
    commands = [*MISTAKES, *(f"{verb} --help" for verb in VERBS)]
    given = answers_to(tmp_path_factory.mktemp("commands"), [each.split() for each in commands])
    return dict(zip(commands, given, strict=True))


@pytest.mark.parametrize("words", MISTAKES, ids=lambda words: words.replace(THERE, "FILE"))
def test_mistake_is_told_before_torch_is_imported(answers: dict[str, Answer], words: str) -> None:
    given = answers[words]
    assert_one_line(given, *MISTAKES[words])
    assert not re.search(r"\b_\w", given.err)  # nothing of the program's own names
    assert (given.made, given.out) == ([], "")


@pytest.mark.parametrize("verb", VERBS)
def test_help_names_all_there_is_without_torch(answers: dict[str, Answer], verb: str) -> None:
    given = answers[f"{verb} --help"]
    assert (given.exit_code, given.err, given.made) == (0, "", [])
    assert not given.imported_torch
    words = "--out --levels --library --device --overwrite --verbose"
    words += " CODES --model" if verb == "decode" else " MODEL IN"
    words += "" if verb == "decode" else " --effort"
    words += "" if verb == "encode" else " --format wav flac ogg mp3 --seed"
    for word in words.split():
        assert word in given.out
    folder = {"encode": "codes", "decode": "decoded", "reconstruct": "listen"}[verb]
    assert f"folder for the results (default: {folder})" in " ".join(given.out.split())


@pytest.mark.parametrize("verb", ["decode", "reconstruct"])
def test_what_is_wrong_with_every_file_is_reported_once(
    run: Run, model: Path, tmp_path: Path, verb: str
) -> None:
    for number in range(3):
        sound(tmp_path / "in" / f"{number}.wav", channels=3)
    assert run("encode", model, "in", "-o", "codes").exit_code == 0
    given = ["codes", "--model", model] if verb == "decode" else [model, "in"]
    wrong = [["--format", "mp3"], ["--levels", "3"], ["--device", "gpu9"]]
    parts = ["mp3 cannot hold 3 channels at 16,000 Hz", "levels=3: this model has 2", "gpu9"]
    for more, part in zip(wrong, parts, strict=True):
        told = run(verb, *given, "-o", "out", *more)
        assert told.exit_code == 2
        assert len(told.err) == 1
        assert part in told.err[0]
        assert not [line for line in told.out if line.startswith("left out")]
    assert "the same with all 3 files" in run(verb, *given, "-o", "out", *wrong[0]).err[0]


def test_what_is_wrong_with_some_files_is_reported_for_each(
    run: Run, model: Path, tmp_path: Path
) -> None:
    for name, channels in (("a", 3), ("b", 3), ("c", 1), ("d", 3)):
        sound(tmp_path / "in" / f"{name}.wav", channels=channels)
    told = run("reconstruct", model, "in", "-o", "out", "--format", "mp3")
    assert (told.exit_code, results(tmp_path / "out")) == (0, ["c.mp3"])
    left_out = [line for line in told.out if line.startswith("left out: ")]
    assert [line.split()[2] for line in left_out] == ["a.mp3:", "b.mp3:", "d.mp3:"]


def test_impossible_device_is_told(run: Run, model: Path, tmp_path: Path) -> None:
    for device in ("gpu9", "cuda:99", "meta"):
        told = run("encode", model, sound(tmp_path / "a.wav"), "-o", "out", "--device", device)
        assert told.exit_code == 2
        assert len(told.err) == 1
        assert told.err[0].startswith(f"distill: --device {device}: ")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("verb", VERBS)
def test_out_that_is_a_file_is_told(run: Run, model: Path, tmp_path: Path, verb: str) -> None:
    path = sound(tmp_path / "a.wav")
    assert run("encode", model, path, "-o", "codes").exit_code == 0
    words = {"decode": ["codes/a.distillcodes", "--model", model]}.get(verb, [model, path])
    told = run(verb, *words, "-o", "tiny.distillgan")
    assert told.exit_code == 2
    assert told.err[0].startswith("distill: tiny.distillgan: ")


def test_name_that_begins_like_a_home_is_a_name(run: Run, model: Path, tmp_path: Path) -> None:
    sound(tmp_path / "~backup.wav")
    assert run("encode", model, "~backup.wav", "-o", "out").exit_code == 0
    assert files(tmp_path / "out") == ["~backup.distillcodes"]


def test_name_too_long_for_its_result_does_not_stop_the_others(
    run: Run, model: Path, tmp_path: Path
) -> None:
    names = [sound(tmp_path / "in" / f"{name}.wav").stem for name in ("a" * 250, "b")]
    (tmp_path / "out").mkdir()
    told = run("encode", model, "in", "-o", "out")
    assert files(tmp_path / "out") == [f"{names[1]}.distillcodes"]
    assert told.exit_code == 2, "a sound that could not be coded"
    assert told.err[0].startswith(f"distill: in/{names[0]}.wav: ")
    assert told.err[0].endswith("cannot be written: File name too long")
    assert told.err[1:] == ["distill: 1 file done, 1 not done"]


@pytest.mark.parametrize("rate_hz", [1 << 31, 1 << 40])
def test_code_file_of_an_impossible_sample_rate_is_refused(
    run: Run, model: Path, tmp_path: Path, rate_hz: int
) -> None:
    codes = load_bundle(model).encode(torch.ones(1), 16_000)
    replace(codes, sample_rate_hz=rate_hz).save(tmp_path / "a.distillcodes")
    told = run("decode", "a.distillcodes", "-o", "out", "--model", model)
    assert told.exit_code == 2
    assert "a.distillcodes: " in told.err[0]
    assert files(tmp_path / "out") == []


@pytest.mark.skipif(os.name != "posix", reason="POSIX pipes")
def test_pipe_in_a_folder_is_told_and_not_waited_for(run: Run, model: Path, tmp_path: Path) -> None:
    sound(tmp_path / "in" / "b.wav")
    os.mkfifo(tmp_path / "in" / "a.wav")

    def waited(number: int, frame: object) -> NoReturn:
        raise AssertionError("waited for somebody to write into the pipe")

    before = signal.signal(signal.SIGALRM, waited)
    signal.alarm(3)
    try:
        told = run("encode", model, "in", "-o", "out")
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    assert (told.exit_code, told.err) == (0, [])
    assert files(tmp_path / "out") == ["b.distillcodes"]
    assert told.out[-1].startswith("left out: in/a.wav: ")


def test_bar_names_the_file_that_is_worked_on(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Console(file=io.StringIO(), force_terminal=True, width=120)
    monkeypatch.setattr(terminal, "console", screen)
    with terminal.bar() as bar:
        meter = Meter(bar, bar.add_task("", total=None))
        meter.begin("kick [bold] [/red].wav", 10.0)
        meter.advance(3.0)
        bar.refresh()
        shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", screen.file.getvalue())
    assert "3/10" in shown
    assert "kick [bold] [/red].wav" in shown


@pytest.mark.slow
def test_stopped_while_it_refines_it_leaves_nothing(model: Path, tmp_path: Path) -> None:
    sound(tmp_path / "long.wav", samples=4_000_000)
    process = start(tmp_path, "encode", model.name, "long.wav", "-o", "out", "--effort", "2")
    assert process.stdout is not None
    assert "effort 2" in process.stdout.readline()
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors == "distill: interrupted; everything saved before is kept\n"
    assert not list(tmp_path.rglob("*.distillcodes*"))


@pytest.mark.slow
@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_midway_it_says_so_and_keeps_what_is_done(
    model: Path, tmp_path: Path, number: signal.Signals, exit_code: int
) -> None:
    names = [f"{index:02d}.wav" for index in range(20)]
    for name in names:
        sound(tmp_path / "in" / name, samples=160_000)
    process = start(tmp_path, "reconstruct", model.name, "in", "-o", "out")
    assert process.stdout is not None
    told = [process.stdout.readline() for _ in range(3)]  # the model, and two files
    time.sleep(0.2)  # into the midst of the third
    process.send_signal(number)
    rest, errors = process.communicate(timeout=60)
    assert process.returncode == exit_code
    assert len(errors.splitlines()) == 1, errors
    assert errors.startswith("distill: ")
    done = results(tmp_path / "out")  # hidden files, half-written ones, would be among them
    assert done[:2] == names[:2]
    assert done == names[: len(done)]
    left = files(tmp_path / "out")
    assert "listen.html" in left, "the page shows what is done"
    assert not [name for name in left if name.endswith(".part")]
    assert len(done) < len(names)
    assert [line.split(":")[0] for line in told[1:]] == ["out/00.wav", "out/01.wav"]
    rest = rest.replace("out/listen.html", "")
    assert rest.count("out/") <= len(done) - 2
    for name in done:
        assert soundfile.info(tmp_path / "out" / name).frames == 160_000
    assert files(tmp_path / "in") == names
