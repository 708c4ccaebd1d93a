"""the first bytes of a file → its container format, whatever the file's name says."""

from __future__ import annotations

from typing import BinaryIO, NamedTuple

from distill.audio.tags import id3_bytes

HEAD_BYTES = 4096
SIGNATURES = (
    (0, b"RIFF", "wav"),
    (0, b"RIFX", "wav"),
    (0, b"RF64", "wav"),
    (0, b"BW64", "wav"),
    (0, b"FORM", "aiff"),
    (0, b"fLaC", "flac"),
    (0, b"OggS", "ogg"),
    (0, b"caff", "caf"),
    (0, b".snd", "au"),
    (0, b"riff\x2e\x91\xcf\x11", "w64"),
    (4, b"ftyp", "mov"),
    (4, b"moov", "mov"),
    (4, b"mdat", "mov"),
    (4, b"wide", "mov"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    (0, b"wvpk", "wv"),
    (0, b"MAC ", "ape"),
    (0, b"TTA1", "tta"),
    (0, b"#!AMR", "amr"),
    (0, b"\x1aE\xdf\xa3", "matroska"),
    (0, b"MPCK", "mpc8"),
    (0, b"MP+", "mpc"),
    (0, b"DSD ", "dsf"),
    (0, b"\x0b\x77", "ac3"),
)
"""Offset, bytes, and the container format under FFmpeg's name."""
NAMES = {
    "wav": "WAV",
    "aiff": "AIFF",
    "flac": "FLAC",
    "ogg": "Ogg",
    "caf": "CAF",
    "au": "AU",
    "w64": "Wave64",
    "mov": "MP4",
    "asf": "WMA",
    "wv": "WavPack",
    "ape": "Monkey's Audio",
    "tta": "True Audio",
    "amr": "AMR",
    "matroska": "Matroska",
    "mpc8": "Musepack",
    "mpc": "Musepack",
    "dsf": "DSD",
    "ac3": "AC-3",
    "mp3": "MP3",
    "aac": "AAC",
}
"""The container format under the name that people use."""
MPEG_IN_WAV = (b"fmt ", (0x50, 0x55))
"""The chunk that holds a WAV file's encoding, and the encodings that are MPEG layers 2 and 3."""


class FirstBytes(NamedTuple):
    """What the beginning of a file shows."""

    head: bytes
    """The first HEAD_BYTES behind an ID3 tag."""
    start: int
    """The size of the ID3 tag in front of the sound, 0 if there is none."""
    container: str | None
    """One of NAMES; None if no format is recognised."""
    holds_mpeg: bool
    """Whether it is a WAV file around an MP3 or MP2 stream."""


def look_at(file: BinaryIO) -> FirstBytes:
    """Read the beginning of a file; raises OSError."""
    head, start = file.read(HEAD_BYTES), 0
    while size := id3_bytes(head):
        start += size
        file.seek(start)
        head = file.read(HEAD_BYTES)
    container = container_of(head)
    if start and container is None:  # padding behind the tag
        container = "mp3"
    return FirstBytes(head, start, container, container == "wav" and _holds_mpeg(head))


def container_of(head: bytes) -> str | None:
    """The format of a file that begins with `head`; None if it is not recognised."""
    for offset, signature, container in SIGNATURES:
        if head.startswith(signature, offset):
            return container
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    if head[1] & 0xF6 == 0xF0:
        return "aac"
    layer, bitrate, rate = head[1] & 0x06, head[2] >> 4, head[2] & 0x0C
    # not layer 1, which only UTF-16 text seems to be
    return "mp3" if layer in (0x02, 0x04) and bitrate != 0xF and rate != 0x0C else None


def _holds_mpeg(head: bytes) -> bool:
    chunk, encodings = MPEG_IN_WAV
    found = head.find(chunk)
    return found >= 0 and int.from_bytes(head[found + 8 : found + 10], "little") in encodings
