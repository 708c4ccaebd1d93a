"""a word of a printed command is, in a shell, what it was before."""

from __future__ import annotations

import os
import subprocess

import pytest

from distill.system.shell import shell_line, shell_word


@pytest.mark.parametrize(
    "name",
    [
        b"kick.wav",
        b"it's a kick.wav",
        b"k\xffck 'x' \\ $HOME.wav",
        "Klänge".encode(),
        b"a\nb\t\x1b[31m",
        b"~x",
        b"",
    ],
)
def test_bash_reads_the_same_bytes(name: bytes) -> None:
    word = shell_word(os.fsdecode(name))
    assert word.isprintable()
    said = subprocess.run(
        ["bash", "-c", f"printf %s {word}"], stdout=subprocess.PIPE, check=True
    ).stdout
    assert said == name


def test_usual_words_stay_as_they_are() -> None:
    assert shell_line(["python", "-m", "x", "a b"]) == "python -m x 'a b'"
