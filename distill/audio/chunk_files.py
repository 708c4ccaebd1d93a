"""a WAV, AIFF, Wave64, CAF or AU file → where its samples lie, whatever its header says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import BinaryIO, Literal, NamedTuple

from distill.audio.tags import tag_bytes

UNKNOWN_SIZES = (range(0x7FFFF000, 0x80000001), range(0xFFFFF000, 0x100000000))
"""Sizes that programs write when they write into a pipe and do not know the size yet."""
WRAP = 1 << 32
"""Sizes of 32 bits begin again from 0 here."""
LONGEST_HEADER = 1 << 16
FEWEST_BYTES = 64
"""A header that counts fewer was never completed."""


class _Family(NamedTuple):
    """How the chunks of a container are laid out."""

    first_chunk: int
    name_bytes: int
    size_bytes: int
    order: Literal["little", "big"]
    align: int
    data: bytes
    skip: int = 0
    """Bytes between the header of the data chunk and its first sample."""
    counts_header: bool = False
    """Whether sizes count the chunk's own header."""
    size_at: int | None = 4
    """Where the size of the whole file stands."""


_W64_DATA = b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
_RIFF = _Family(12, 4, 4, "little", 2, b"data")
_FAMILIES = {
    b"RIFF": _RIFF,
    b"RF64": _RIFF,
    b"BW64": _RIFF,
    b"RIFX": _RIFF._replace(order="big"),
    b"FORM": _Family(12, 4, 4, "big", 2, b"SSND", skip=8),
    b"riff": _Family(40, 16, 8, "little", 8, _W64_DATA, counts_header=True, size_at=16),
    b"caff": _Family(8, 4, 8, "big", 1, b"data", skip=4, size_at=None),
}
JOINED = re.compile(
    rb"(RIFF|RF64|BW64|RIFX)....WAVE|FORM....AIF[FC]|riff\x2e\x91\xcf\x11|caff\0\1|\.snd\0\0",
    re.DOTALL,
)
"""How a file begins that was joined to another."""


class Behind(Enum):
    """What lies behind the samples that a header counts."""

    NOTHING = auto()
    """Or chunks and tags that are no sound."""
    SAMPLES = auto()
    UNSURE = auto()
    """The header fits together, yet the file goes on."""
    FILE = auto()
    """Another sound file."""


@dataclass(frozen=True)
class Layout:
    """Where the samples of a file lie; all positions are in bytes."""

    start: int
    """The first sample."""
    written_end: int
    """The end of the samples, as the header says."""
    next_chunk: int
    behind: Behind
    order: Literal["little", "big"]


def find_samples(file: BinaryIO, head: bytes, start: int, size: int) -> Layout | None:
    """The layout of the file that begins with `head` at `start` and ends at `size`; None if there
    is no data chunk, or if it is no such container. Raises OSError.
    """
    if head[:4] == b".snd":
        return _au_layout(file, head, start, size)
    family = _FAMILIES.get(head[:4])
    if family is None:
        return None
    position, header_bytes = start + family.first_chunk, family.name_bytes + family.size_bytes
    wide_size = 0
    while position + header_bytes <= size:
        name, length = _read_chunk(file, head, start, position, family)
        content = position + header_bytes
        if name == b"ds64":
            file.seek(content)
            wide_size = int.from_bytes(file.read(16)[8:], "little")
        if name == family.data:
            first = content + family.skip
            if wide_size and length >= WRAP - 1:
                length = wide_size
            elif _is_unknown(length):
                length = size - content
            return _layout(file, head, start, size, first, max(0, length - family.skip), family)
        position = _after(content, length, family)
    return None


def _read_chunk(
    file: BinaryIO, head: bytes, start: int, position: int, family: _Family
) -> tuple[bytes, int]:
    """The name of the chunk at `position`, and the size of its content."""
    header_bytes = family.name_bytes + family.size_bytes
    header = head[position - start : position - start + header_bytes]
    if len(header) < header_bytes:
        file.seek(position)
        header = file.read(header_bytes)
    length = int.from_bytes(header[family.name_bytes :], family.order)
    return header[: family.name_bytes], length - header_bytes * family.counts_header


def _after(content: int, length: int, family: _Family) -> int:
    """Where the next chunk begins."""
    return content + -(-max(0, length) // family.align) * family.align


def _au_layout(file: BinaryIO, head: bytes, start: int, size: int) -> Layout:
    first = start + int.from_bytes(head[4:8], "big")
    length = int.from_bytes(head[8:12], "big")
    end = size if _is_unknown(length) else first + length
    behind, rest = Behind.NOTHING, end
    if end < size:
        behind, rest = _look_behind(file, end, size, None, closed=length >= FEWEST_BYTES)
    return Layout(first, end, rest, behind, "big")


def _layout(
    file: BinaryIO, head: bytes, start: int, size: int, first: int, length: int, family: _Family
) -> Layout:
    if length >= size - first:
        return Layout(first, first + length, size, Behind.NOTHING, family.order)
    end = first + length
    rest = _after(first, length, family)
    behind = Behind.NOTHING
    if rest < size:
        file.seek(end)
    if rest < size and JOINED.match(file.read(16)):  # not all programs fill up the last chunk
        behind, rest = Behind.FILE, end
    elif rest < size:
        closed = length >= FEWEST_BYTES and _closed_end(head, start, family) in (None, end, rest)
        behind, rest = _look_behind(file, rest, size, family, closed=closed)
    return Layout(first, end, rest, behind, family.order)


def _is_unknown(length: int) -> bool:
    return any(length in sizes for sizes in UNKNOWN_SIZES)


def _closed_end(head: bytes, start: int, family: _Family) -> int | None:
    """The end of the whole file, as its header says."""
    if family.size_at is None:
        return None
    size = int.from_bytes(head[family.size_at :][: family.size_bytes], family.order)
    return start + size + (0 if family.counts_header else 8)


def _look_behind(
    file: BinaryIO, rest: int, size: int, family: _Family | None, *, closed: bool
) -> tuple[Behind, int]:
    """What lies behind the samples, and where: `rest`, or behind the chunks and tags there."""
    position = rest
    while position < size:
        file.seek(position)
        beginning = file.read(32)
        if JOINED.match(beginning):
            return Behind.FILE, position
        step = tag_bytes(beginning) or (_chunk_bytes(beginning, family) if family else 0)
        if not step or position + step > size + 1:
            break
        position += step
    if position >= size or _are_zeros(file, position):
        return Behind.NOTHING, rest
    is_wrapped = size - rest > WRAP - LONGEST_HEADER
    return (Behind.UNSURE if closed and not is_wrapped else Behind.SAMPLES), rest


def _chunk_bytes(beginning: bytes, family: _Family) -> int:
    """The size of the chunk that begins here, with its header; 0 if none does."""
    header_bytes = family.name_bytes + family.size_bytes
    if len(beginning) < header_bytes or not all(32 <= letter < 127 for letter in beginning[:4]):
        return 0
    length = int.from_bytes(beginning[family.name_bytes : header_bytes], family.order)
    return _after(header_bytes, length - header_bytes * family.counts_header, family)


def _are_zeros(file: BinaryIO, position: int) -> bool:
    """Whether a program filled the file up, as some memory cards need it."""
    file.seek(position)
    while block := file.read(1 << 20):
        if block.strip(b"\0"):
            return False
    return True
