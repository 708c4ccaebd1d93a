"""A file that was cut short is used as far as it goes, with a note, or left out with its reason."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile

from distill.audio.reasons import Note, NoteText
from distill.data.collection import Collection
from tests.helpers.sounds import tone

Scan = Callable[..., Collection]


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    (tmp_path / "sounds").mkdir()
    return tmp_path / "sounds"


def cut(folder: Path, suffix: str, **options: str) -> Path:
    """A file of one second whose last 40 % are missing."""
    path = folder / f"cut.{suffix}"
    soundfile.write(path, tone(300, duration_s=1.0), 16_000, **options)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    return path


@pytest.mark.parametrize(
    ("suffix", "kind"),
    [("wav", "WAV"), ("rf64", "RF64"), ("w64", "W64"), ("aiff", "AIFF"), ("au", "AU")],
)
def test_what_is_there_is_used_and_noted(
    sounds: Path, tmp_path: Path, scan_folder: Scan, suffix: str, kind: str
) -> None:
    cut(sounds, suffix, format=kind)
    (sound,) = (found := scan_folder(sounds)).sounds
    assert sound.notes == (NoteText(Note.ENDS_EARLY, "0.60 s of 1.00 s"),)
    found.write_report(tmp_path / "report.json")
    (row,) = json.loads((tmp_path / "report.json").read_text())["used"]
    assert row["notes"] == ["ends early: 0.60 s of 1.00 s"]


def test_mp3(sounds: Path, scan_folder: Scan) -> None:
    cut(sounds, "mp3")
    (note,) = scan_folder(sounds).sounds[0].notes
    assert note.text.endswith(" s of 1.00 s")


def test_ogg_whose_length_is_in_its_missing_end(sounds: Path, scan_folder: Scan) -> None:
    soundfile.write(sounds / "cut.ogg", tone(300, duration_s=9.0), 16_000)
    path = sounds / "cut.ogg"
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    (sound,) = scan_folder(sounds).sounds
    assert 4 < sound.duration_s < 6
    (note,) = sound.notes
    assert note.note is Note.ENDS_EARLY
    assert note.detail == f"{sound.duration_s:.2f} s of an unknown length; the end is missing"


@pytest.mark.parametrize("unknown", [0x7FFFF000, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_size_that_nobody_knew_is_no_promise(
    sounds: Path, scan_folder: Scan, unknown: int
) -> None:
    path = sounds / "piped.wav"
    soundfile.write(path, tone(300), 16_000)
    data = path.read_bytes()
    place = data.index(b"data") + 4
    path.write_bytes(data[:place] + struct.pack("<I", unknown) + data[place + 4 :])
    assert not any(sound.notes for sound in scan_folder(sounds).sounds)


@pytest.mark.parametrize("suffix", ["wav", "aiff", "au", "flac", "ogg", "mp3"])
def test_whole_files_have_no_note(sounds: Path, scan_folder: Scan, suffix: str) -> None:
    soundfile.write(sounds / f"whole.{suffix}", tone(300), 16_000)
    assert scan_folder(sounds).sounds[0].notes == ()
