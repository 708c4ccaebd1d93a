"""Files that other programs leave among sounds: each with its true reason."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from distill.audio.other_files import refuse_if_away
from distill.audio.reader import SoundReader
from distill.audio.reasons import Reason, UnusableError
from distill.data.collection import Collection
from tests.helpers.scans import left_out
from tests.helpers.sounds import tone

APPLE_DOUBLE = b"\0\5\x16\7\0\2\0\0Mac OS X        \0\2\0\0\0\x09" + b"\0" * 100

OTHERS = {
    "._kick.wav": (APPLE_DOUBLE, Reason.SIDE_FILE),
    "._drum.aif": (APPLE_DOUBLE, Reason.SIDE_FILE),
    ".DS_Store": (b"\0\0\0\1Bud1", Reason.OTHER_PROGRAM),
    "Thumbs.db": (b"\xd0\xcf\x11\xe0", Reason.OTHER_PROGRAM),
    "kick.wav.asd": (b"\0" * 64, Reason.OTHER_PROGRAM),
    "kick.wav.reapeaks": (b"RPKN" + b"\1" * 64, Reason.OTHER_PROGRAM),
    "song.als": (b"\x1f\x8b" + b"\1" * 64, Reason.OTHER_PROGRAM),
    ".kick.wav.icloud": (b"bplist00" + b"\1" * 64, Reason.NOT_DOWNLOADED),
    "notes.txt": (b"record the kettle", Reason.NOT_AUDIO),
    "cover.jpg": (b"\xff\xd8\xff\xe0" + b"\1" * 64, Reason.NOT_AUDIO),
    "utf16.txt": (("record the kettle " * 99).encode("utf-16"), Reason.NOT_AUDIO),
    "no sound.mp3": (b"record the kettle " * 99, Reason.UNREADABLE),
    "broken.wav": (b"RIFF\1\1\1\1WAVEfmt ", Reason.UNREADABLE),
    "zeros.wav": (b"\0" * 9_000, Reason.UNREADABLE),
}
"""Name, content, and the reason why it is left out."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "sounds"
    folder.mkdir()
    soundfile.write(folder / "kick.wav", tone(100), 16_000)
    for name, (content, _) in OTHERS.items():
        (folder / name).write_bytes(content)
    return folder


def test_each_has_its_reason(folder: Path, scan_folder: Callable[..., Collection]) -> None:
    collection = scan_folder(folder)
    reasons = {os.path.basename(file.path): file.reason for file in collection.left_out}
    assert reasons == {name: reason for name, (_, reason) in OTHERS.items()}
    assert [os.path.basename(sound.path) for sound in collection.sounds] == ["kick.wav"]


def test_broken_sounds_come_first_and_side_files_last(
    folder: Path, scan_folder: Callable[..., Collection]
) -> None:
    names = [os.path.basename(file.path) for file in scan_folder(folder).left_out]
    assert names[:3] == ["broken.wav", "no sound.mp3", "zeros.wav"]
    assert set(names[-2:]) == {"._kick.wav", "._drum.aif"}
    assert names.index("notes.txt") < names.index(".DS_Store")


def test_words_a_musician_has(folder: Path, scan_folder: Callable[..., Collection]) -> None:
    texts = left_out(scan_folder(folder))
    assert texts["._kick.wav"] == "macOS side file"
    assert texts["song.als"] == "file of another program: Ableton Live"
    assert texts["kick.wav.reapeaks"] == "file of another program: REAPER"
    assert texts[".kick.wav.icloud"] == "not downloaded: it is only in iCloud"
    assert texts["zeros.wav"] == "unreadable: begins with zeros only: not complete"


def test_a_file_in_the_cloud_is_not_opened(tmp_path: Path) -> None:
    class Status:
        st_flags = 0x40000000

    with pytest.raises(UnusableError, match="not downloaded: it is only in the cloud"):
        refuse_if_away(tmp_path / "kick.wav", Status())  # type: ignore[arg-type]


def test_numbers_of_another_scale_are_named_in_full(
    tmp_path: Path, scan_folder: Callable[..., Collection]
) -> None:
    (tmp_path / "sounds").mkdir()
    for number in range(3):
        path = tmp_path / "sounds" / f"{number}.wav"
        soundfile.write(path, 30_000 * tone(100 + number), 16_000, subtype="FLOAT")
    with pytest.raises(Exception, match=r"3 out of range \(such as: samples reach ") as error:
        scan_folder(tmp_path / "sounds")
    assert "where 1 is full scale; 16-bit numbers stored as floats need a division by 32,768" in (
        str(error.value)
    )


def test_a_video_without_sound_says_so(tmp_path: Path) -> None:
    path = tmp_path / "silent film.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("mpeg4", rate=24)
        stream.width = stream.height = 32  # type: ignore[attr-defined]
        frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
        output.mux(stream.encode(frame))  # type: ignore[attr-defined]
        output.mux(stream.encode(None))  # type: ignore[attr-defined]
    with pytest.raises(UnusableError, match="not audio: MP4 without a sound track"):
        SoundReader(path)
