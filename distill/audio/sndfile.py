"""uncompressed and FLAC files → their samples, by libsndfile, which is not told of any length."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile

from distill.audio import flac, ogg
from distill.audio.blocks import BLOCK_FRAMES, Block, Piece
from distill.audio.chunk_files import Behind, Layout, find_samples
from distill.audio.first_bytes import HEAD_BYTES, NAMES, FirstBytes
from distill.audio.own_output import COMMENT
from distill.audio.reasons import NoteText, Reason, UnusableError
from distill.audio.tags import end_of_sound
from distill.audio.window import Window

HEADERLESS_FORMAT = "RAW"
"""libsndfile's format for files that it accepts only because of their suffix, such as a text file
named x.gsm.
"""
SAMPLE_BYTES = {
    "PCM_S8": 1,
    "PCM_U8": 1,
    "PCM_16": 2,
    "PCM_24": 3,
    "PCM_32": 4,
    "FLOAT": 4,
    "DOUBLE": 8,
    "ULAW": 1,
    "ALAW": 1,
}
"""Encodings that can be read from any sample on."""
SUFFIXES_OF_OTHER_NAMES = (".mp3", ".aif", ".aifc", ".oga", ".opus", ".m4a", ".mp4", ".wma")
"""Suffixes of sounds that are not libsndfile's names of formats."""
MISSING_S = 0.01
"""A file that is shorter than its header says by more than this gets a note."""
SHORTEST_S = 0.02
"""What lies behind the samples must be at least this long to be more of them."""
LOUDEST_RMS = 0.3
"""Other data, taken for samples, is louder than this (-10 dB), as random bytes are."""


class SndfileDecoder:
    """An open file; it can be read once. Opening raises UnusableError, and OSError for a file that
    cannot be read.
    """

    def __init__(self, path: Path, first: FirstBytes, binary: BinaryIO, size: int) -> None:
        self._path, self._binary, self._size = path, binary, size
        self._layout: Layout | None = None
        self._window: Window | None = None
        self.notes: list[NoteText] = []
        is_whole = len(first.head) >= flac.STREAM_INFO_BYTES
        self.is_flac = first.container == "flac" and is_whole
        if self.is_flac:
            instead = flac.hide_total(first.head)
            self._window = Window(path, first.start, end_of_sound(binary), instead=instead)
        else:
            self._layout = find_samples(binary, first.head, first.start, size)
            is_joined = self._layout and self._layout.behind is Behind.FILE
            if self._layout and is_joined:  # libsndfile refuses joined WAV files
                self._window = Window(path, first.start, self._layout.next_chunk)
            elif first.start:
                self._window = Window(path, first.start, size)
        self._file = self._open(first)
        self.sample_rate_hz, self.channels = self._file.samplerate, self._file.channels
        if self.is_flac:
            self.frames = flac.total_samples(first.head)
            self.tags = flac.comments(binary, first.start)
        else:
            self.frames = max(0, self._file.frames)
            is_ogg = first.container == "ogg"
            self.tags = ogg.tags(path) if is_ogg else {COMMENT: self._file.comment}
            self._take_all_samples()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        if self._window:
            self._window.close()

    def pieces(self) -> Iterator[Piece]:
        """All samples. When all is read, `notes` says what is missing. Raises LibsndfileError where
        a FLAC file cannot be read on.
        """
        frames = 0
        try:
            while len(block := self._read()):
                frames += len(block)
                yield Piece(block, self.sample_rate_hz)
        except soundfile.LibsndfileError:
            if self.is_flac:
                raise
            share = max(0, 1 - frames / self.frames) if self.frames else 0
            self.notes.append(NoteText.unread(frames / self.sample_rate_hz, share))
            return
        self._note_length(frames)
        if self._layout and self._layout.behind is Behind.FILE:
            yield from self._pieces_of_next(self._layout.next_chunk)

    def _open(self, first: FirstBytes) -> soundfile.SoundFile:
        self._binary.seek(0)
        source = self._window or self._binary.fileno()
        try:
            file = soundfile.SoundFile(source, closefd=False)
        except soundfile.LibsndfileError as error:
            self._close_window()
            name = NAMES.get(first.container or "")
            detail = f"damaged, or not {name}" if name else "damaged, or not audio"
            raise UnusableError(self._path, Reason.UNREADABLE, detail) from error
        if file.format == HEADERLESS_FORMAT:
            file.close()
            raise UnusableError(self._path, Reason.NOT_AUDIO, "samples without a header")
        # soundfile would stop at the number of samples in the header, and seek after each block
        file.seekable = lambda: False
        return file

    def _close_window(self) -> None:
        if self._window:
            self._window.close()

    def _read(self) -> Block:
        # not soundfile's blocks(): it repeats old samples if a damaged file ends early
        block: Block = self._file.read(BLOCK_FRAMES, dtype="float32", always_2d=True)
        return block

    def _take_all_samples(self) -> None:
        """If libsndfile sees more or fewer samples than there are, open the file again, as samples
        without a header. What cannot be read that way gets a note.
        """
        layout = self._layout
        sample_bytes = SAMPLE_BYTES.get(self._file.subtype, 0)
        if layout is None:
            return
        rate_hz, frame_bytes = self.sample_rate_hz, sample_bytes * self.channels
        is_unsure = layout.behind is Behind.UNSURE
        is_more = is_unsure and frame_bytes and self._is_more_sound(layout)
        if frame_bytes and (layout.behind is Behind.SAMPLES or is_more):
            written = (layout.written_end - layout.start) // frame_bytes
            self._take_samples_to(self._size, layout, frame_bytes)
            self._layout = None
            self.notes.append(NoteText.longer(self.frames / rate_hz, written / rate_hz))
            return
        end = min(layout.written_end, self._size)
        if frame_bytes and self.frames != (end - layout.start) // frame_bytes:
            self._take_samples_to(end, layout, frame_bytes)
        rest = self._size - layout.next_chunk
        if layout.behind is Behind.SAMPLES or (
            is_unsure and rest >= SHORTEST_S * rate_hz * max(1, sample_bytes)
        ):
            self.notes.append(NoteText.unread(self.frames / rate_hz, rest / self._size))

    def _take_samples_to(self, end: int, layout: Layout, frame_bytes: int) -> None:
        window = Window(self._path, layout.start, end)
        samples = self._open_samples(window, layout)
        self.close()
        self._file, self._window = samples, window
        self.frames = (end - layout.start) // frame_bytes

    def _is_more_sound(self, layout: Layout) -> bool:
        """Whether the bytes behind the samples, taken for samples, are not much too loud."""
        window = Window(self._path, layout.next_chunk, self._size)
        with self._open_samples(window, layout) as samples:
            block = samples.read(BLOCK_FRAMES, dtype="float32", always_2d=True)
        window.close()
        if len(block) < SHORTEST_S * self.sample_rate_hz:
            return False
        with np.errstate(over="ignore", invalid="ignore"):
            rms = float(np.sqrt(np.square(block, dtype=np.float64).mean()))
        return rms < LOUDEST_RMS  # False for NaN

    def _open_samples(self, window: Window, layout: Layout) -> soundfile.SoundFile:
        samples = soundfile.SoundFile(
            window,
            samplerate=self.sample_rate_hz,
            channels=self.channels,
            subtype=self._file.subtype,
            endian=self._file.endian if self._file.endian != "FILE" else layout.order.upper(),
            format=HEADERLESS_FORMAT,
        )
        samples.seekable = lambda: False
        return samples

    def _note_length(self, frames: int) -> None:
        """Note that the file was cut short, as by a full disk or an interrupted copy."""
        promised = self.frames
        if self._layout and self._layout.written_end > self._size > self._layout.start:
            written = self._layout.written_end - self._layout.start
            promised = frames * written // (self._size - self._layout.start)
        rate_hz = self.sample_rate_hz
        if promised - frames > rate_hz * MISSING_S:
            self.notes.append(NoteText.ends_early(frames / rate_hz, promised / rate_hz))
        elif self.is_flac and promised and frames - promised > rate_hz * MISSING_S:
            self.notes.append(NoteText.longer(frames / rate_hz, promised / rate_hz))

    def _pieces_of_next(self, start: int) -> Iterator[Piece]:
        """The samples of the sound file that follows in the same file."""
        self._binary.seek(start)
        first = FirstBytes(self._binary.read(HEAD_BYTES), start, None, holds_mpeg=False)
        try:
            other = SndfileDecoder(self._path, first, self._binary, self._size)
        except UnusableError:
            seconds = self.frames / self.sample_rate_hz
            self.notes.append(NoteText.unread(seconds, 1 - start / self._size))
            return
        try:
            yield from other.pieces()
            self.notes += other.notes
        finally:
            other.close()


def is_sound_suffix(suffix: str) -> bool:
    """Whether files with this suffix, dot included, are meant to be sounds."""
    suffix = suffix.lower()
    names = {name.lower() for name in soundfile.available_formats()}
    return suffix in SUFFIXES_OF_OTHER_NAMES or suffix.removeprefix(".") in names


def detail_of(error: soundfile.LibsndfileError) -> str:
    """What libsndfile says, on one line and without its full stop."""
    return " ".join(str(error.error_string).split()).rstrip(".")
