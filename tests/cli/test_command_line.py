"""`python -m distill.train` with mistakes: one line, exit 2, no torch, nothing made."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
import soundfile
import yaml
from filelock import FileLock
from omegaconf import OmegaConf

from distill.settings.compose import load_config
from distill.settings.quoting import quote_folders
from distill.train.command import read_command
from distill.train.help import train_help
from tests.helpers.commands import Answer, answer_to, answers_to, assert_one_line
from tests.helpers.runs import environment, train_command
from tests.helpers.sounds import tone

MISTAKES: dict[tuple[str, ...], tuple[str, ...]] = {
    ("rvq.level=4",): ("rvq.level=4", "no such key", "did you mean rvq.levels?"),
    ("rvq.levels=four",): ("rvq.levels=four", "a whole number from 1 to 8"),
    ("vocoder.spectral_steps=5",): (
        "vocoder.spectral_steps: belongs to vocoder=hifigan_v2, but the vocoder is phase_gradient",
    ),
    ("rvq.levels=99",): ("rvq.levels=99", "a whole number from 1 to 8"),
    ("+rvq.foo=1",): ("+rvq.foo=1", "no such key", "codebook_size"),
    ("model.commitment_weight=-1",): ("model.commitment_weight=-1", "from 0 to 100"),
    ("data.root=/nowhere",): ("data.root=/nowhere", "no such folder"),
    ("~0",): ("~0", "settings are typed as KEY=VALUE"),
    ("data.root=~no.such.user/x",): ("~no.such.user/x", "no such folder"),
    ("resume=~no.such.user/x",): ("~no.such.user/x", "no such folder"),
    ("resume=/nowhere",): ("resume=/nowhere", "no such folder", "last"),
    ("resume=last",): ("resume=last", "no run", "outputs/train"),
    ("-m", "rvq.levels=two,3"): ("rvq.levels=two", "a whole number from 1 to 8"),
    ("seed=1", "-m", "rvq.levels=two,3"): ("rvq.levels=two", "a whole number from 1 to 8"),
    # a sweep without -m
    ("rvq.levels=2,3",): ("rvq.levels=2,3",),
    # the shell has taken its own quotes away, and nobody knows of Hydra's
    ("data.root=~/Klänge 音 (2)",): ("/Klänge 音 (2): no such folder",),
    # what is typed first, by those who have not read on
    ("no/such/kit",): ("no/such/kit: no such folder", "settings are typed as KEY=VALUE"),
    ("/bin/sh",): ("/bin/sh: is a file; give its folder instead",),
    ("/tmp", "data.root=/tmp"): (
        "/tmp: name the folders of sounds either here or with data.root=",
    ),
    ("/tmp", "rvq.levels=99"): ("rvq.levels=99", "a whole number from 1 to 8"),
    ("--levels",): ("--levels: no such flag", "--help"),
    ("data.root", "=", "/tmp"): ("data.root:", "settings are typed as KEY=VALUE, without spaces"),
    ("--data.root=/tmp",): ("settings have no dashes: data.root=/tmp",),
    ("data.root=",): ("data.root=", "a folder is missing"),
    # a line break in a name is none in the message
    ("data.root='/no\nwhere'",): ("data.root=/no", "where: no such folder"),
}
"""Arguments → parts of the answer."""


NO_SOUND = {"notes": "1 not audio", "nothing": "the folder is empty"}
"""Folders without audio → what is said of them."""
COMMANDS: dict[str, tuple[str, ...]] = {
    **{" ".join(mistake): ("train", *mistake) for mistake in MISTAKES},
    **{name: ("train", f"data.root=FOLDER/{name}") for name in NO_SOUND},
    "no run": ("train", "resume=FOLDER/nothing"),
    "going on": ("train", "resume=FOLDER/run"),
    "just begun": ("train", "hydra.run.dir=FOLDER/begun"),
    "train help": ("train", "--help"),
    "help": ("--help",),
    "verb": ("trian",),
    "another": ("zzz",),
    "demo": ("demo", "rvq.level=4"),
    "demo on sounds": ("demo", "sounds"),
    "usage": ("kit",),
}
"""Words after `distill`; FOLDER holds what they are about."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two folders without audio, and two runs."""
    folder = tmp_path_factory.mktemp("commands")
    for name in (*NO_SOUND, "run/checkpoints", "begun"):
        (folder / name).mkdir(parents=True)
    (folder / "notes" / "notes.txt").write_text("no sound")
    (folder / "run" / "checkpoints" / "last.ckpt").touch()
    config = OmegaConf.to_yaml(OmegaConf.structured(load_config([])))
    (folder / "run" / "config.yaml").write_text(config)
    (folder / "begun" / "train.log").touch()
    return folder


@pytest.fixture(scope="module")
def answers(folder: Path) -> dict[str, Answer]:
    """What each of COMMANDS says while this process is at both runs."""
    commands = [
        [word.replace("FOLDER", str(folder)) for word in words] for words in COMMANDS.values()
    ]
    with FileLock(folder / "run" / ".lock"), FileLock(folder / "begun" / ".lock"):
        return dict(zip(COMMANDS, answers_to(folder, commands), strict=True))


def test_stand_in_would_notice(tmp_path: Path) -> None:
    assert answer_to(tmp_path, command=[sys.executable, "-c", "import torch"]).imported_torch


@pytest.mark.parametrize("mistake", MISTAKES, ids=" ".join)
def test_mistake_is_told_before_anything_is_made(
    answers: dict[str, Answer], mistake: tuple[str, ...]
) -> None:
    answer = answers[" ".join(mistake)]
    assert_one_line(answer, *MISTAKES[mistake])
    assert answer.made == []
    assert answer.out == ""


def test_a_process_that_nobody_forked_says_the_same(
    tmp_path: Path, answers: dict[str, Answer]
) -> None:
    assert answer_to(tmp_path, "rvq.level=4") == answers["rvq.level=4"]


def test_folder_that_is_no_run(answers: dict[str, Answer], folder: Path) -> None:
    answer = answers["no run"]
    assert_one_line(answer, f"resume={folder}/nothing", "this run cannot be resumed")
    assert answer.made == []


@pytest.mark.parametrize("name", NO_SOUND)
def test_folder_without_audio(answers: dict[str, Answer], folder: Path, name: str) -> None:
    assert_one_line(answers[name], f"distill: {folder}/{name}: no usable", NO_SOUND[name])
    assert not [path for path in answers[name].made if path.startswith("outputs/train/")]


def test_file_names_of_any_bytes_can_be_told(tmp_path: Path) -> None:
    """The scan's report is printed, and the run goes on to import torch."""
    folder = tmp_path / "sounds"
    folder.mkdir()
    soundfile.write(folder / "kick.wav", tone(50), 16_000)
    (folder / os.fsdecode(b"caf\xe9.txt")).write_text("no sound")
    answer = answer_to(tmp_path, f"data.root={folder}", PYTHONIOENCODING="utf-8:strict")
    assert "UnicodeEncodeError" not in answer.err
    assert "not audio" in answer.out
    assert answer.imported_torch


def test_help_names_the_keys(answers: dict[str, Answer]) -> None:
    answer = answers["train help"]
    assert answer.exit_code == 0
    assert answer.err == ""
    assert not answer.imported_torch
    assert answer.made == []
    words = "data.root rvq.levels codebook_size commitment_weight val_fraction max_epochs resume"
    for word in [*words.split(), "experiment", "quick"]:
        assert word in answer.out


@pytest.mark.parametrize("verb", ["train", "encode", "decode", "reconstruct", "library"])
def test_help_needs_no_hydra(tmp_path: Path, verb: str) -> None:
    """Which takes most of the time that help may take."""
    (tmp_path / "hydra.py").write_text('raise ImportError("hydra was imported")')
    variables = environment()
    done = subprocess.run(
        [sys.executable, "-m", f"distill.{verb}", "--help"],
        env={**variables, "PYTHONPATH": f"{tmp_path}{os.pathsep}{variables['PYTHONPATH']}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_help_shows_every_key_with_its_default() -> None:
    text = train_help()

    def keys(values: dict[str, object], above: str = "") -> Iterator[tuple[str, object]]:
        for key, value in values.items():
            if isinstance(value, dict) and value:
                yield from keys(value, f"{above}{key}.")
            elif key != "_target_":
                yield f"{above}{key}", value

    shown = dict(re.findall(r"^  ([\w.]+)=(\[.*\]|\S+)", text, re.M))
    expected = dict(keys(asdict(load_config([]))))
    assert {key: yaml.safe_load(value) for key, value in shown.items()} == expected
    assert "the demo collection" in text, "what the comments in conf/ say"
    assert re.search(r"Only with vocoder=hifigan_v2:\n    vocoder.spectral_steps=5000 ", text)
    assert "vocoder.spectral_steps" not in expected


def test_folders_are_short_for_data_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("kit", "it's 5 (süß), ok", "a=b"):
        Path(name).mkdir()
    words = ["kit/", "rvq.levels=4", "it's 5 (süß), ok", "-m", "./a=b"]
    command = read_command(words)
    assert (command.overrides, command.sweep) == (("rvq.levels=4",), True)
    assert command.folders == ("kit/", "it's 5 (süß), ok", "./a=b")
    config = load_config([quote_folders(command.folders)])
    assert config.data.folders == list(command.folders)
    assert load_config([quote_folders(["kit"])]).data.root == "kit"


def test_folders_and_flags_of_hydras_go_together(tmp_path: Path) -> None:
    words = ["train", "/tmp", "--cfg", "job", "rvq.levels=2"]
    answer = answer_to(tmp_path, command=[sys.executable, "-m", "distill", *words])
    assert answer.exit_code == 0
    assert "  root:\n  - /tmp\n" in answer.out
    assert "levels: 2" in answer.out


def test_help_of_the_console_script_names_the_verbs(answers: dict[str, Answer]) -> None:
    answer = answers["help"]
    assert answer.exit_code == 0
    assert "train" in answer.out
    assert not answer.imported_torch


def test_unknown_verb(answers: dict[str, Answer]) -> None:
    assert_one_line(answers["verb"], "no verb 'trian'; did you mean train?")
    assert_one_line(answers["another"], "no verb 'zzz'; the verbs are demo, train,")


def test_demo_trains_on_its_own_sounds_alone(answers: dict[str, Answer]) -> None:
    assert_one_line(answers["demo"], "did you mean rvq.levels?")
    assert_one_line(answers["demo on sounds"], "for yours: distill train sounds")


def test_what_is_told_to_type_has_the_form_that_was_typed(
    tmp_path: Path, answers: dict[str, Answer]
) -> None:
    assert_one_line(answers["usage"], "; see distill kit --help")
    for number, begun in enumerate(("-m distill kit", "-m distill.kit")):
        folder = tmp_path / str(number)
        folder.mkdir()
        answer = answer_to(folder, command=[sys.executable, *begun.split()])
        assert_one_line(answer, f"; see python {begun} --help")


@pytest.mark.parametrize("name", ["going on", "just begun"])
def test_a_run_that_is_going_on_is_left_alone(
    answers: dict[str, Answer], folder: Path, name: str
) -> None:
    assert_one_line(answers[name], "another process is still training this run")
    assert answers[name].made == []
    assert (folder / "begun" / "train.log").exists()


@pytest.mark.parametrize(
    ("library", "answer"),
    [
        ("rich", (-signal.SIGINT, "")),
        ("hydra", (130, "distill: interrupted; everything saved before is kept\n")),
    ],
)
def test_ctrl_c_amid_the_imports_prints_no_traceback(
    tmp_path: Path, library: str, answer: tuple[int, str]
) -> None:
    interrupt = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n"
    (tmp_path / f"{library}.py").write_text(interrupt)
    variables = environment()
    path = os.pathsep.join([str(tmp_path), variables["PYTHONPATH"]])
    done = subprocess.run(
        train_command([]),
        env={**variables, "PYTHONPATH": path},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == answer
