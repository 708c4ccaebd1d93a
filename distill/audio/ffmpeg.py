"""compressed sound files → their samples, by FFmpeg (PyAV)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np

from distill.audio import mpeg, ogg
from distill.audio.blocks import Block, Piece
from distill.audio.first_bytes import NAMES, SIGNATURES, FirstBytes
from distill.audio.reasons import Note, NoteText, Reason, UnusableError
from distill.audio.tags import end_of_sound

FORMATS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dsf,dts,dtshd,eac3,flac,iff,matroska,mov,mp3,mpc,mpc8,"
    "oma,ogg,shn,tak,tta,voc,w64,wav,wv"
)
"""What FFmpeg may read a file as. Others, such as play lists, could open further files."""
BARE = ("mp3", "aac", "ac3", "amr")
"""Formats without a container: what is not in a packet was not read."""
UNREAD_SHARE, UNREAD_BYTES = 0.01, 4096
"""If more is left unread than both, a note says so; some bytes are only about the sound."""
SOUND_SHARE = 0.05
"""A bare file of which less can be read is no sound, unless it begins like one."""
LONGEST_FRAME = 8192
"""In bytes; the first frame of an MP3 can hold its length instead of sound."""
UNBROKEN_PACKETS = 3
"""A sound begins where this number of packets follow each other without a gap from the first byte
on.
"""
ATTEMPTS = 8
"""A file ends after this number of read errors in a row."""
MISSING_S = 0.1
LARGEST_REST = 1 << 24
"""At most this number of bytes behind the last packet is searched for another file."""
_FULL_SCALE = {"u8": 1 << 7, "s16": 1 << 15, "s32": 1 << 31, "s64": 1 << 63}


class FFmpegDecoder:
    """An open file; it can be read once. Opening and reading raise UnusableError."""

    def __init__(self, path: Path, first: FirstBytes) -> None:
        self._path, self._first = path, first
        self._unbroken = 0
        """Packets without a gap, from the beginning on."""
        self._furthest = 0
        """Where the last packet ends, in bytes."""
        self.notes: list[NoteText] = []
        try:
            self._container = _open(path, first.container)
        except (av.FFmpegError, OSError, ValueError) as error:
            raise _unreadable(path, first, error) from error
        try:
            self._stream = self._container.streams.best("audio")
            if self._stream is None:
                raise UnusableError(path, Reason.NOT_AUDIO, _without_audio(first))
            self._read_header()
        except BaseException:
            self._container.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def pieces(self) -> Iterator[Piece]:
        """All samples; bytes that cannot be decoded are skipped. When all is read, `notes` says
        what is missing.
        """
        context = self._stream.codec_context
        read = failed = 0
        seconds = 0.0
        next_byte: int | None = None  # while nothing is skipped from the beginning
        for packet in self._packets():
            try:
                frames = packet.decode()
            except av.FFmpegError:
                failed += packet.size or 0
                if context.is_open:
                    continue
                break
            read += packet.size or 0
            self._furthest = max(self._furthest, (packet.pos or 0) + (packet.size or 0))
            if not self._unbroken and (packet.pos or 0) - self._first.start < LONGEST_FRAME:
                next_byte = packet.pos
            if next_byte is not None and packet.pos == next_byte:
                next_byte = packet.pos + packet.size
                self._unbroken += 1
            else:
                next_byte = None
            for frame in frames:
                seconds += frame.samples / frame.sample_rate
                if frame.samples:
                    yield Piece(_samples_of(frame), frame.sample_rate)
        self._note_missing(read, failed, seconds)

    def _read_header(self) -> None:
        stream, context = self._stream, self._stream.codec_context
        if context is None:  # a header that names no codec
            raise UnusableError(self._path, Reason.UNREADABLE, _describe_damage(self._first))
        self.sample_rate_hz, self.channels = int(context.sample_rate), int(context.channels)
        if not (self.sample_rate_hz and self.channels):
            raise UnusableError(self._path, Reason.UNREADABLE, _describe_damage(self._first))
        length = stream.duration and float(stream.duration * stream.time_base)
        if not length and self._container.duration:
            length = self._container.duration / av.time_base
        self.frames = max(0, round((length or 0) * self.sample_rate_hz))
        tracks = len(self._container.streams.audio)
        if tracks > 1:
            self.notes.append(NoteText(Note.TRACKS, f"1 of {tracks}"))
        tags = {**self._container.metadata, **stream.metadata}
        self.tags = {name.upper(): text for name, text in tags.items()}

    def _packets(self) -> Iterator[Any]:
        """All packets, and the empty one that ends the stream; read errors are passed over."""
        failures = 0
        while failures < ATTEMPTS:
            try:
                for packet in self._container.demux(self._stream):
                    failures = 0
                    yield packet
            except av.FFmpegError:
                failures += 1
            else:
                return

    def _note_missing(self, read: int, failed: int, seconds: float) -> None:
        total = read + failed
        if self._first.container in BARE:
            total = max(total, self._sound_bytes())
        unread = total - read
        share = unread / total if total else 0
        is_sound = share <= 1 - SOUND_SHARE or self._unbroken >= UNBROKEN_PACKETS
        if not seconds or (self._first.container in BARE and not is_sound):
            raise UnusableError(self._path, Reason.UNREADABLE, _describe_damage(self._first))
        promised_s = self._promised_s()
        if promised_s - seconds > MISSING_S:
            is_count = self._first.container != "asf"  # there, it shrinks with the file
            self.notes.append(NoteText.ends_early(seconds, promised_s if is_count else None))
        elif failed or (share > UNREAD_SHARE and unread > UNREAD_BYTES):
            self.notes.append(NoteText.unread(seconds, share))
        elif self._first.container == "ogg":
            self._note_end_of_ogg(seconds)
        elif self._first.container not in BARE:
            self._note_next_file(seconds)

    def _note_end_of_ogg(self, seconds: float) -> None:
        with self._path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            end = ogg.find_end(file, self._first.start)
        expected_s = end.samples / self.sample_rate_hz if end else 0
        if end and not end.is_end:
            self.notes.append(NoteText.ends_early(seconds))
        elif expected_s - seconds > MISSING_S:
            self.notes.append(NoteText.ends_early(seconds, expected_s))
        elif end and size - end.position > UNREAD_BYTES:
            self.notes.append(NoteText.unread(seconds, 1 - end.position / size))

    def _note_next_file(self, seconds: float) -> None:
        """Note a file of the same format that follows in this one."""
        container = self._first.container
        with self._path.open("rb") as file:
            file.seek(self._furthest)
            rest = file.read(LARGEST_REST)
            size = file.seek(0, os.SEEK_END)
        beginnings = ((offset, mark) for offset, mark, name in SIGNATURES if name == container)
        offset, mark = next(beginnings, (0, b""))
        place = rest.find(mark) - offset if mark else -1
        if place >= 0:
            self.notes.append(NoteText.unread(seconds, 1 - (self._furthest + place) / size))

    def _promised_s(self) -> float:
        """The seconds that the header counts; 0 if it does not, or holds an estimate only."""
        samples = self.frames
        if self._first.container == "mp3":  # FFmpeg estimates it where bytes follow the sound
            samples = min(samples, mpeg.count_samples(self._first.head))
        elif self._first.container in BARE:
            samples = 0
        return samples / self.sample_rate_hz

    def _sound_bytes(self) -> int:
        """Size of the file without the tags at its beginning and end."""
        with self._path.open("rb") as file:
            return max(0, end_of_sound(file) - self._first.start)


def _open(path: Path, container: str | None) -> Any:
    # the prefix keeps a name such as `http:kick.wav` from being an address
    name, options = f"file:{os.path.abspath(path)}", {"format_whitelist": FORMATS}
    if container:
        try:
            return av.open(name, format=container, options=options, metadata_errors="replace")
        except av.FFmpegError:  # its beginning looks like a format that it does not have
            pass
    return av.open(name, options=options, metadata_errors="replace")


def _samples_of(frame: Any) -> Block:
    """A frame → its samples (t, C) float32, full scale 1."""
    array = frame.to_ndarray()
    name = frame.format.name
    channels = frame.layout.nb_channels
    array = array.T if name.endswith("p") else array.reshape(-1, channels)
    scale = _FULL_SCALE.get(name.removesuffix("p"))
    if scale is None:
        return np.ascontiguousarray(array, np.float32)
    samples = np.ascontiguousarray(array, np.float32)
    if name.startswith("u8"):
        samples -= scale
    samples /= scale
    return samples


def _unreadable(path: Path, first: FirstBytes, error: Exception) -> UnusableError:
    if isinstance(error, OSError) and not isinstance(error, av.FFmpegError):
        return UnusableError(path, Reason.UNREADABLE, error.strerror or str(error))
    if first.container == "mov" and not _holds(path, b"moov"):
        detail = "cut off: the index, which an MP4 file has at its end, is missing"
        return UnusableError(path, Reason.UNREADABLE, detail)
    return UnusableError(path, Reason.UNREADABLE, _describe_damage(first))


def _holds(path: Path, mark: bytes) -> bool:
    with path.open("rb") as file:
        kept = b""
        while block := file.read(1 << 20):
            if mark in kept + block:
                return True
            kept = block[-len(mark) :]
    return False


def _describe_damage(first: FirstBytes) -> str:
    name = NAMES.get(first.container or "")
    return f"damaged, or not {name}" if name else "damaged, or not audio"


def _without_audio(first: FirstBytes) -> str:
    return f"{NAMES.get(first.container or '', 'the file')} without a sound track"
