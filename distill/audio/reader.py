"""sound file → its header and its samples in blocks (t, C), or the reason why it is unusable."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import soundfile
from numpy.typing import NDArray

from distill.audio.reasons import Note, Reason, UnusableError
from distill.audio.sndfile import (
    HEADERLESS_FORMAT,
    HEADERLESS_SUFFIX,
    detail_of,
    is_sound_suffix,
    misses_its_end,
    name_of,
    promised_frames,
)
from distill.system.stopping import raise_if_stopped

SAMPLE_RATES_HZ = (1_000, 1_000_000)
"""A rate outside this range means a damaged header; resampling such a file would fill the disk."""
BLOCK_FRAMES = 1 << 16
MISSING_S = 0.01
"""A file that is shorter than its header says by more than this gets a note."""
MISSING_FRACTION = 0.02
"""The same, as a share of the length, if the header has only an estimate, as in MP3."""


class SoundReader:
    """An open sound file that can be read once, from its beginning; a context manager.

    Opening and reading raise UnusableError.
    """

    sample_rate_hz: int
    channels: int
    frames: int
    """As the header says; a damaged file can hold fewer."""
    note: Note | None = None
    """What is unusual about the file; set when all of it was read."""
    detail: str = ""
    """Details of the note."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = _open(path)
        self.sample_rate_hz, self.channels = self._file.samplerate, self._file.channels
        self.frames = max(0, self._file.frames)
        if self._file.format == "MP3":
            # soundfile seeks to where it is after each block, which spoils what follows in MP3
            self._file.seekable = lambda: False
        try:
            self._check_header()
        except UnusableError:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """All samples in blocks (t, C), 1 ≤ t ≤ BLOCK_FRAMES; memory does not grow with the length.

        Raises UnusableError for a file that cannot be read to its end, is empty, or holds NaN or
        infinity.
        """
        frames = 0
        # not soundfile's blocks(): it repeats old samples if a damaged file ends early
        while len(block := self._read()):
            raise_if_stopped()
            if not np.isfinite(block).all():
                raise UnusableError(self._path, Reason.NOT_FINITE, "holds NaN or infinity")
            frames += len(block)
            yield block
        if not frames and misses_its_end(self._file):
            raise UnusableError(self._path, Reason.UNREADABLE, "its end is missing")
        if not frames:
            raise UnusableError(self._path, Reason.EMPTY, "a header without samples")
        self._note_early_end(frames)

    def _check_header(self) -> None:
        low, high = SAMPLE_RATES_HZ
        if self._file.format == HEADERLESS_FORMAT:
            raise _without_header(self._path)
        if not low <= self.sample_rate_hz <= high:
            detail = f"a sample rate of {self.sample_rate_hz} Hz"
            raise UnusableError(self._path, Reason.NOT_AUDIO, detail)

    def _read(self) -> NDArray[np.float32]:
        try:
            block: NDArray[np.float32] = self._file.read(
                BLOCK_FRAMES, dtype="float32", always_2d=True
            )
        except soundfile.LibsndfileError as error:
            raise UnusableError(self._path, Reason.UNREADABLE, detail_of(error)) from error
        return block

    def _note_early_end(self, frames: int) -> None:
        """Set the note if the file was cut short, as by a full disk or an interrupted copy."""
        promised = promised_frames(self._file)
        missing, rate_hz = promised - frames, self.sample_rate_hz
        is_estimate = self._file.format == "MP3"
        if missing > rate_hz * MISSING_S and not (
            is_estimate and missing < MISSING_FRACTION * promised
        ):
            self.note = Note.ENDS_EARLY
            self.detail = f"{frames / rate_hz:,.2f} s of {promised / rate_hz:,.2f} s"


def status_of(path: Path) -> os.stat_result:
    """The status of a regular file; raises UnusableError for anything else."""
    try:
        status = path.stat()
    except OSError as error:
        if path.is_symlink() and isinstance(error, FileNotFoundError):
            raise UnusableError(path, Reason.BROKEN_LINK) from error
        raise _unreadable(path, error) from error
    if stat.S_ISDIR(status.st_mode):
        raise UnusableError(path, Reason.UNREADABLE, "is a folder")
    if not stat.S_ISREG(status.st_mode):  # reading a pipe would wait for ever
        raise UnusableError(path, Reason.NOT_AUDIO, "not a regular file")
    return status


def _open(path: Path) -> soundfile.SoundFile:
    if not status_of(path).st_size:
        raise UnusableError(path, Reason.EMPTY)
    if path.suffix.lower() == HEADERLESS_SUFFIX:
        raise _without_header(path)
    try:
        with path.open("rb"):  # for its error: libsndfile says only "system error"
            pass
        return soundfile.SoundFile(name_of(path))
    except soundfile.LibsndfileError as error:
        if not is_sound_suffix(path.suffix):
            raise UnusableError(path, Reason.NOT_AUDIO) from error
        detail = f"not audio, or damaged: {detail_of(error)}"
        raise UnusableError(path, Reason.UNREADABLE, detail) from error
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> UnusableError:
    return UnusableError(path, Reason.UNREADABLE, error.strerror or str(error))


def _without_header(path: Path) -> UnusableError:
    return UnusableError(path, Reason.NOT_AUDIO, "samples without a header")
