"""what reading and writing sound files by libsndfile takes, wherever it is done."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import soundfile

SAMPLE_RATES_HZ = (1_000, 1_000_000)
"""Headers outside this range are damage, not audio; resampling them would fill the disk."""
HEADERLESS_SUFFIX = ".raw"
"""libsndfile asks for what such a file does not say."""
HEADERLESS_FORMAT = "RAW"
"""What it calls files that it takes for sound by their suffix alone, such as a text named x.gsm."""

MISSING_S = 0.01
"""What a file may be shorter than its header tells."""
_CORRECTED = re.compile(
    r"^ *(?:data|riff|SSND|Data Size) *: (\d+) \(should be (\d+)\)"
    r"|frame count \d+ does not match value from 'ds64' chunk of (\d+)",
    re.MULTILINE,
)
"""Where libsndfile tells of a size that it put right: in WAV, Wave64, AIFF, AU and RF64."""
_UNKNOWN_SIZES = (range(0x7FFFF000, 0x80000001), range(0xFFFFF000, 0x100000000))
"""What programs write there that cannot go back, once they know: they wrote into a pipe."""


def name_of(path: Path) -> bytes | Path:
    """As bytes where the system's names are bytes: they need not be Unicode."""
    return os.fsencode(path) if os.name == "posix" else path


def detail_of(error: soundfile.LibsndfileError) -> str:
    """Its message in one line."""
    return " ".join(str(error.error_string).split()).rstrip(".")


@contextmanager
def written(
    path: Path, *, sample_rate_hz: int, channels: int, subtype: str, container: str
) -> Iterator[soundfile.SoundFile]:
    """A sound file to write to; raises OSError with the system's reason where libsndfile knows
    only that something went wrong.
    """
    with path.open("w+b", buffering=0) as file:
        sink = _Sink(file)
        try:
            with soundfile.SoundFile(
                sink, "w", sample_rate_hz, channels, subtype, format=container
            ) as sound:
                yield sound
        except Exception as error:  # soundfile meets short writes in several ways
            if sink.failure is None:
                raise
            raise sink.failure from error
        if sink.failure is not None:  # not all encoders tell of it when they close
            raise sink.failure


class _Sink:
    """A file that keeps its first error, for none passes through libsndfile; Ctrl-C is one too."""

    def __init__(self, file: IO[bytes]) -> None:
        self.seek, self.tell, self.read = file.seek, file.tell, file.read
        self._file = file
        self.failure: BaseException | None = None

    def write(self, data: bytes) -> int:
        """As a file's, to the last byte or the first error."""
        done = 0
        try:
            while done < len(data):
                done += self._file.write(memoryview(data)[done:])
        except BaseException as error:
            self.failure = self.failure or error
        return done


def why_empty(file: soundfile.SoundFile) -> str:
    """What to say of a file that no samples come from."""
    if "ended unexpectedly" in file.extra_info:  # Ogg: nothing is read without the last page
        return "unreadable: its end is missing"
    return "empty: a header without samples"


def early_end(file: soundfile.SoundFile, frames_read: int) -> str:
    """A note on a file that was cut short, as by a full disk or an interrupted copy; empty for one
    that has all that its header tells.
    """
    promised = _promised_frames(file)
    missing = promised - frames_read
    estimated = file.format == "MP3"
    if missing <= file.samplerate * MISSING_S or (estimated and missing < 0.02 * promised):
        return ""
    rate = file.samplerate
    return f"ends early: {frames_read / rate:,.2f} s of {promised / rate:,.2f} s"


def _promised_frames(file: soundfile.SoundFile) -> int:
    """How many frames there would be if the file was as long as its header tells."""
    frames = int(file.frames)
    found = _CORRECTED.search(file.extra_info)
    if found is None:
        return frames
    told, true, told_frames = (int(number or 0) for number in found.groups())
    if true and not any(told in sizes for sizes in _UNKNOWN_SIZES):
        told_frames = frames * told // true
    return max(frames, told_frames)
