"""file names of other systems, and terminals without Unicode: every verb does its work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.forks import TRAINING, Forks, start
from tests.helpers.runs import TINY, environment
from tests.helpers.sounds import write_sounds

FOLDER = os.fsdecode(b"kl\xe4nge")
ASCII = (
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"PYTHONIOENCODING": "ascii"},
)


def distill(folder: Path, words: list[str], variables: dict[str, str]) -> str:
    """What a verb prints; fails unless it ends well."""
    done = subprocess.run(
        [sys.executable, "-m", "distill", *words],
        cwd=folder,
        env={**environment(), **variables},
        capture_output=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
    return done.stdout.decode("ascii" if variables else "utf-8")


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """Twelve sounds, all with names that are not Unicode or not ASCII, and one file that is not a
    sound.
    """
    folder = tmp_path / FOLDER
    write_sounds(tmp_path / "made")
    (tmp_path / "made").rename(folder)  # libsndfile takes no such name as text
    for number, path in enumerate(sorted(folder.iterdir())):
        path.rename(folder / os.fsdecode(b"k\xffck%02d.wav" % number))
    (folder / os.fsdecode(b"k\xffck00.wav")).rename(folder / "Küche.wav")
    (folder / os.fsdecode(b"br\xffken.wav")).write_bytes(b"RIFF")
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("variables", [ASCII[0], {}], ids=["locale", "unicode"])
def test_every_verb_works_with_them(odd: Path, variables: dict[str, str]) -> None:
    run = os.fsdecode(b"r\xfcn")
    forks = Forks({**environment(), **variables}, TRAINING) if "LC_ALL" in variables else None

    def work(*words: str) -> str:
        own = {"variables": variables}
        answer = forks.start(words, odd) if forks else start(odd, *words, **own)
        out, err = answer.communicate()
        assert answer.wait() == 0, err
        assert "Traceback" not in err
        assert out.isascii() or not variables
        return out

    said = work("train", FOLDER, *TINY, f"hydra.run.dir={run}", "name=müll")
    assert "cannot be written" not in said
    assert "kl\\udce4nge: 12 files used" in said
    log = (odd / run / "train.log").read_text(encoding="utf-8")
    assert "kl\\udce4nge" in log
    assert "epoch 2/2" in log
    summary = json.loads((odd / run / "summary.json").read_text(encoding="utf-8"))
    assert summary["finished"]
    listen, curves, longer = [line for line in said.splitlines() if line.startswith("  ")][-3:]
    for line in (listen, longer):
        work(*shell_words(line, odd, variables))
    work("encode", run, FOLDER)
    work("decode", "codes")
    info = work("library", "info", Path(summary["published"]).stem)  # which is always ASCII
    if forks:
        forks.close()
    assert len(list((odd / "listen").glob("*.wav"))) == 12
    assert "$'r\\xfcn'" in curves
    wanted = {os.path.splitext(name)[0] for name in os.listdir(odd / FOLDER)} - {
        os.fsdecode(b"br\xffken")
    }
    for results in ("codes", "decoded", "listen"):
        written = {os.path.splitext(name)[0] for name in os.listdir(odd / results)}
        assert written - {"listen", "listen_files"} == wanted  # beside the page to listen
    assert "kl\\udce4nge" in info


def shell_words(line: str, folder: Path, variables: dict[str, str]) -> list[str]:
    """The words that distill gets when a user copies the line from the terminal to a shell."""
    handed_over = subprocess.run(
        ["bash", "-c", f"printf '%s\\0' {line}"],
        cwd=folder,
        env={**environment(), **variables},
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    command, *words = os.fsdecode(handed_over).split("\0")[:-1]
    if command == "python":
        flag, command, *words = words
        assert flag == "-m"
    return words if command == "distill" else [command.removeprefix("distill."), *words]


@pytest.mark.parametrize("variables", ASCII)
@pytest.mark.parametrize("words", [[], ["train", "--help"], ["encode", "--help"]])
def test_help_is_printed_anywhere(
    tmp_path: Path, words: list[str], variables: dict[str, str]
) -> None:
    assert "usage" in distill(tmp_path, words, variables).lower() or words[0] == "train"


def test_a_curve_is_drawn_in_plainer_letters(tmp_path: Path) -> None:
    code = "from distill.system.terminal import say; say('\u2581\u2583\u2588 2 \xd7 16 \xfc')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**environment(), "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )
    assert done.stdout == b"_-# 2 x 16 \\xfc\n"
