"""an open libsndfile file → what libsndfile knows of it and does not say plainly."""

from __future__ import annotations

import os
import re
from pathlib import Path

import soundfile

HEADERLESS_SUFFIX = ".raw"
"""libsndfile asks the caller for what such a file does not say."""
HEADERLESS_FORMAT = "RAW"
"""libsndfile's name for files that it takes for sound by their suffix alone, such as a text named
x.gsm.
"""
SUFFIXES_OF_OTHER_NAMES = (".mp3", ".aif", ".oga", ".opus")
"""Of formats that libsndfile reads and lists under another name."""

_CORRECTED = re.compile(
    r"^ *(?:data|riff|SSND|Data Size) *: (\d+) \(should be (\d+)\)"
    r"|frame count \d+ does not match value from 'ds64' chunk of (\d+)",
    re.MULTILINE,
)
"""Where libsndfile's log shows a size that it corrected: in WAV, Wave64, AIFF, AU and RF64."""
_UNKNOWN_SIZES = (range(0x7FFFF000, 0x80000001), range(0xFFFFF000, 0x100000000))
"""What programs write as the size when they write into a pipe and cannot go back."""


def name_of(path: Path) -> bytes | Path:
    """The path as bytes where the system's names are bytes: they need not be Unicode."""
    return os.fsencode(path) if os.name == "posix" else path


def detail_of(error: soundfile.LibsndfileError) -> str:
    """Its message in one line."""
    return " ".join(str(error.error_string).split()).rstrip(".")


def is_sound_suffix(suffix: str) -> bool:
    """Whether files with this suffix, dot included, are meant to be sounds."""
    suffix = suffix.lower()
    names = {name.lower() for name in soundfile.available_formats()}
    return suffix in SUFFIXES_OF_OTHER_NAMES or suffix.removeprefix(".") in names


def misses_its_end(file: soundfile.SoundFile) -> bool:
    """Whether an Ogg file lacks its last page, without which libsndfile reads nothing of it."""
    return "ended unexpectedly" in file.extra_info


def promised_frames(file: soundfile.SoundFile) -> int:
    """How many frames there would be if the file were as long as its header says."""
    frames = int(file.frames)
    found = _CORRECTED.search(file.extra_info)
    if found is None:
        return frames
    written, true, written_frames = (int(number or 0) for number in found.groups())
    if true and not any(written in sizes for sizes in _UNKNOWN_SIZES):
        written_frames = frames * written // true
    return max(frames, written_frames)
