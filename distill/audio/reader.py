"""sound file → its header and its samples in blocks (t, C), or the reason why it is unusable."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

import numpy as np
import soundfile

from distill.audio import ogg
from distill.audio.blocks import Block, Piece, conform, rechunk, skip_frames
from distill.audio.chunk_files import Behind, find_samples
from distill.audio.first_bytes import NAMES, look_at
from distill.audio.other_files import refuse_if_away, refuse_other_files
from distill.audio.own_output import model_in
from distill.audio.reasons import Note, NoteText, Reason, UnusableError
from distill.audio.sndfile import SndfileDecoder, is_sound_suffix
from distill.system.stopping import raise_if_stopped

if TYPE_CHECKING:
    from distill.audio.ffmpeg import FFmpegDecoder

SAMPLE_RATES_HZ = (1_000, 1_000_000)
"""A rate outside this range means a damaged header; resampling such a file would fill the disk."""
FFMPEG_ONLY = frozenset(NAMES) - {"wav", "aiff", "flac", "caf", "au", "w64"}
"""Container formats that only FFmpeg reads. The others libsndfile reads first, because it is fast
and exact.
"""
FFMPEG_SUFFIXES = (
    *(".mp3", ".mp2", ".m4a", ".m4b", ".mp4", ".mov", ".3gp", ".aac", ".opus", ".oga", ".ogg"),
    *(".wma", ".wv", ".ape", ".ac3", ".eac3", ".dts", ".amr", ".mka", ".webm", ".tta", ".tak"),
    *(".mpc", ".dsf"),
)
"""Suffixes of files that only FFmpeg is asked for if their first bytes show no format."""
HEADERLESS_SUFFIX = ".raw"
"""A file without a header: libsndfile would ask the caller for its rate and channels."""
LARGEST_SAMPLE = 100
"""40 dB above full scale: a file with larger samples is damaged, or its scale is another one."""
SMALLEST_SCALED = 1000
"""A larger peak suggests whole numbers that were stored as they are."""


class SoundReader:
    """An open sound file that can be read once, from its beginning; a context manager.

    It is read to its end, whatever a header says of its length. Opening and reading raise
    UnusableError.
    """

    sample_rate_hz: int
    channels: int
    frames: int
    """As the header says, or an estimate."""
    made_with: str | None
    """The model, if distill made this file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        status = status_of(path)
        if not status.st_size:
            raise UnusableError(path, Reason.EMPTY)
        try:
            self._binary: BinaryIO = path.open("rb", buffering=0)
        except OSError as error:
            raise _unreadable(path, error) from error
        try:
            self._first = look_at(self._binary)
            refuse_other_files(path, self._first.head)
            self._decoder = self._open(status.st_size)
        except OSError as error:
            self._binary.close()
            raise _unreadable(path, error) from error
        except BaseException:
            self._binary.close()
            raise
        self.sample_rate_hz, self.channels = self._decoder.sample_rate_hz, self._decoder.channels
        self.frames = self._decoder.frames
        self.made_with = model_in(self._decoder.tags)
        self.notes: list[NoteText] = []
        """What is unusual about the file; complete when all of it was read."""
        low, high = SAMPLE_RATES_HZ
        if not low <= self.sample_rate_hz <= high:
            self._close()
            detail = f"a sample rate of {self.sample_rate_hz} Hz"
            raise UnusableError(path, Reason.NOT_AUDIO, detail)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._close()

    def blocks(self) -> Iterator[Block]:
        """All samples in blocks (t, C), 1 ≤ t ≤ BLOCK_FRAMES; memory does not grow with the length.

        Raises UnusableError for a file of which nothing can be read, or whose samples are not
        finite or much too large.
        """
        frames = 0
        rate_hz, channels = self.sample_rate_hz, self.channels
        pieces = self._note_changes(rechunk(self._pieces()))
        for block in conform(pieces, rate_hz=rate_hz, channels=channels):
            raise_if_stopped()
            self._check_range(block)
            frames += len(block)
            yield block
        if not frames:
            raise UnusableError(self._path, Reason.EMPTY, "a header without samples")
        self.notes += self._decoder.notes
        if not isinstance(self._decoder, SndfileDecoder):
            self._note_rest(frames / rate_hz)

    def _open(self, size: int) -> SndfileDecoder | FFmpegDecoder:
        """The decoder that reads this file best."""
        path, first = self._path, self._first
        suffix = path.suffix.lower()
        if first.container is None:
            if suffix == HEADERLESS_SUFFIX:
                raise UnusableError(path, Reason.NOT_AUDIO, "samples without a header")
            if not first.head.strip(b"\0"):
                raise UnusableError(path, Reason.UNREADABLE, "begins with zeros only: not complete")
        is_unknown = first.container is None and suffix in FFMPEG_SUFFIXES
        is_short_ogg = first.container == "ogg" and ogg.is_short(self._binary, first.start)
        is_for_ffmpeg = first.container in FFMPEG_ONLY and not is_short_ogg
        if is_for_ffmpeg or first.holds_mpeg or is_unknown:
            return self._open_with_ffmpeg()
        try:
            return SndfileDecoder(path, first, self._binary, size)
        except UnusableError as error:
            if first.container is None and not is_sound_suffix(suffix):
                raise UnusableError(path, Reason.NOT_AUDIO) from error
            try:
                return self._open_with_ffmpeg()
            except UnusableError:
                raise error from None

    def _open_with_ffmpeg(self) -> FFmpegDecoder:
        from distill.audio.ffmpeg import FFmpegDecoder  # slow to import, and often not needed

        return FFmpegDecoder(self._path, self._first)

    def _pieces(self) -> Iterator[Piece]:
        """The samples; where libsndfile cannot go on, FFmpeg does."""
        frames = 0
        try:
            for piece in self._decoder.pieces():
                frames += len(piece.samples)
                yield piece
        except soundfile.LibsndfileError:
            self._decoder.close()
            self._decoder = self._open_with_ffmpeg()
            yield from skip_frames(self._decoder.pieces(), frames)

    def _note_changes(self, pieces: Iterator[Piece]) -> Iterator[Piece]:
        """Note the first change of rate or channels within the file."""
        frames, changed = 0, False
        for piece in pieces:
            now = piece.rate_hz, piece.samples.shape[1]
            if not changed and now != (self.sample_rate_hz, self.channels):
                changed = True
                after_s = frames / self.sample_rate_hz
                channels = "1 channel" if now[1] == 1 else f"{now[1]} channels"
                detail = f"{channels} at {now[0]:,} Hz from {after_s:,.2f} s on"
                self.notes.append(NoteText(Note.CHANGES, detail))
            frames += len(piece.samples)
            yield piece

    def _note_rest(self, seconds: float) -> None:
        """Note what FFmpeg does not read behind the samples of a WAV file and the like."""
        size = self._path.stat().st_size
        layout = find_samples(self._binary, self._first.head, self._first.start, size)
        if layout and layout.behind in (Behind.FILE, Behind.SAMPLES):
            self.notes.append(NoteText.unread(seconds, 1 - layout.next_chunk / size))

    def _check_range(self, block: Block) -> None:
        peak = max(float(block.max()), -float(block.min()))
        if not np.isfinite(peak):
            raise UnusableError(self._path, Reason.NOT_FINITE, "holds NaN or infinity")
        if peak <= LARGEST_SAMPLE:
            return
        detail = f"samples reach {peak:,.5g} where 1 is full scale"
        for bits in (16, 24, 32):
            scale = 1 << (bits - 1)
            if SMALLEST_SCALED < peak <= scale:
                detail += f"; {bits}-bit numbers stored as floats need a division by {scale:,}"
                break
        raise UnusableError(self._path, Reason.OUT_OF_RANGE, detail)

    def _close(self) -> None:
        self._decoder.close()
        self._binary.close()


def status_of(path: Path) -> os.stat_result:
    """The status of a regular file; raises UnusableError for anything else, and for a file whose
    content is only in the cloud.
    """
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
    refuse_if_away(path, status)
    return status


def _unreadable(path: Path, error: OSError) -> UnusableError:
    return UnusableError(path, Reason.UNREADABLE, error.strerror or str(error))
