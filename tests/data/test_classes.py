"""Which part of its path is the class of a sound, and where that is said."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from distill.dashboard.state.run_facts import describe_sounds
from distill.data.classes import classes_in_words, classes_of
from distill.data.collection import Collection
from distill.data.split import split_sounds
from distill.training.sounds import report, sounds_row
from tests.helpers.sounds import sound

NFD = unicodedata.normalize("NFD", "café")


@pytest.mark.parametrize(
    ("folders", "classes"),
    [
        (["kicks", "snares", "kicks"], ["kicks", "snares", "kicks"]),
        (["a/kicks", "b/kicks", "b/snares"], ["kicks", "kicks", "snares"]),
        (["kicks", "kicks/soft", "snares"], ["kicks", "soft", "snares"]),
        ([".", "kicks"], ["root", "kicks"]),
        ([".", "."], ["root", "root"]),
        (["Kicks/wav", "Snares/wav"], ["Kicks", "Snares"]),
        (["Kicks/wav", "Kicks/mp3", "Snares"], ["Kicks", "Kicks", "Snares"]),
        (["Kicks/WAV 24-bit", "Snares/44.1 kHz/16bit"], ["Kicks", "Snares"]),
        (["wav/Kicks", "wav/Snares"], ["Kicks", "Snares"]),
        (["wav", "flac"], ["wav", "flac"]),
        (["Kicks/done/v2", "Snares/done/v2"], ["Kicks", "Snares"]),
        (["Kicks", "Kicks/done", "Snares", "Snares/done"], ["Kicks", "Kicks", "Snares", "Snares"]),
        (["kicks", "Kicks", "Kicks", "x"], ["Kicks", "Kicks", "Kicks", "x"]),
        (["Kicks/wav", "kicks/WAV", "x/wav"], ["Kicks", "Kicks", "x"]),
        (["café", NFD, "x"], ["café", "café", "x"]),
        (["any", "wave drums"], ["any", "wave drums"]),
    ],
)
def test_a_class_is_what_tells_sounds_apart(folders: list[str], classes: list[str]) -> None:
    paths = [f"/my/root/{folder}/{number}.wav" for number, folder in enumerate(folders)]
    paths = [path.replace("/./", "/") for path in paths]
    found = classes_of(paths)
    assert [found[path] for path in paths] == classes


def test_the_classes_are_said_when_the_sounds_are_read(
    tmp_path: Path, scan_folder: Callable[..., Collection], capsys: pytest.CaptureFixture[str]
) -> None:
    for number, folder in enumerate(["Kicks/wav", "kicks", "Kicks/wav", "Snares/wav"]):
        sound(tmp_path / "in" / folder / f"{number}.wav", hz=200 + 100 * number)
    collection = scan_folder(tmp_path / "in")
    split = split_sounds(collection.sounds, val_fraction=0.3, seed=0, segment_samples=100)
    report(collection, split, tmp_path / "collection.json")
    assert "classes, by the folders of the sounds: Kicks 3, Snares 1\n" in capsys.readouterr().out
    assert "; classes: Kicks 3, Snares 1" in describe_sounds(sounds_row(collection, split))


def test_of_many_classes_the_largest_are_named() -> None:
    words = classes_in_words({str(number): number for number in range(1, 31)})
    assert words.startswith("30 30, 29 29, ")
    assert words.endswith("7 7, and 6 more")
    assert classes_in_words({"only": 3}) == ""
