"""an open libsndfile file → facts that libsndfile gives only in its log or as a side effect."""

from __future__ import annotations

import os
import re
from pathlib import Path

import soundfile

HEADERLESS_SUFFIX = ".raw"
"""A file without a header: libsndfile would ask the caller for its rate and channels."""
HEADERLESS_FORMAT = "RAW"
"""libsndfile's format for files that it accepts only because of their suffix, such as a text file
named x.gsm.
"""
SUFFIXES_OF_OTHER_NAMES = (".mp3", ".aif", ".oga", ".opus")
"""Suffixes of formats that libsndfile reads but lists under another name."""

_CORRECTED = re.compile(
    r"^ *(?:data|riff|SSND|Data Size) *: (\d+) \(should be (\d+)\)"
    r"|frame count \d+ does not match value from 'ds64' chunk of (\d+)",
    re.MULTILINE,
)
"""Finds a corrected size in libsndfile's log, for WAV, Wave64, AIFF, AU and RF64."""
_UNKNOWN_SIZES = (range(0x7FFFF000, 0x80000001), range(0xFFFFF000, 0x100000000))
"""Sizes that programs write when they write into a pipe and do not know the size yet."""


def name_of(path: Path) -> bytes | Path:
    """The path as bytes on systems on which file names need not be Unicode."""
    return os.fsencode(path) if os.name == "posix" else path


def detail_of(error: soundfile.LibsndfileError) -> str:
    """The error's message in one line."""
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
