"""the bytes of a sound file → the same cut, joined, padded, or with another header."""

from __future__ import annotations

import struct
from collections.abc import Callable
from random import Random

Mangle = Callable[[bytes, Random], bytes]


def cut_bytes(data: bytes, random: Random) -> bytes:
    """Without its end, as after a broken copy."""
    return data[: random.randrange(min(len(data) // 4, 200), len(data))]


def pad_end(data: bytes, random: Random) -> bytes:
    """With zeros, other bytes or tags behind its end."""
    count = random.choice((1, 100, 5_000, 100_000))
    tail = random.choice(
        (b"\0" * count, random.randbytes(count), b"note. " * count, ape_tag(count))
    )
    return data + random.choice((tail, b"TAG" + b" " * 125))


def pad_front(data: bytes, random: Random) -> bytes:
    """With an ID3 tag in front, as music players write it."""
    content = random.randbytes(random.choice((0, 1_000, 70_000)))
    size = len(content)
    sizes = bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\4\0\0" + sizes + content + data


def spoil(data: bytes, random: Random) -> bytes:
    """With other bytes in its middle."""
    start = random.randrange(len(data) // 3, len(data) - 1)
    count = min(random.choice((1, 100, 4_000)), len(data) - start)
    other = random.choice((random.randbytes(count), b"\0" * count))
    return data[:start] + other + data[start + count :]


def rehead(data: bytes, random: Random) -> bytes:
    """With a wrong length in its header."""
    wrong = random.choice((0, 1, 1_000, 0x7FFFF000, 0x7FFFFFFF, 0xFFFFFFFF))
    changes = {
        b"RIFF": lambda: _sizes(data, b"data", "<I", wrong, 4 if random.random() < 0.5 else None),
        b"FORM": lambda: _sizes(data, b"SSND", ">I", wrong, 4 if random.random() < 0.5 else None),
        b"riff": lambda: _sizes(data, b"data\xf3", "<Q", wrong, None, 16),
        b"caff": lambda: _sizes(data, b"data", ">Q", random.choice((wrong, (1 << 64) - 1)), None),
        b".snd": lambda: _replace(data, 8, struct.pack(">I", wrong)),
        b"fLaC": lambda: _flac(data, random.choice((0, 1_000, len(data)))),
    }
    change = changes.get(data[:4], lambda: _mpeg(data, random))
    return change()


MANGLES: dict[str, Mangle] = {
    "cut": cut_bytes,
    "pad_end": pad_end,
    "pad_front": pad_front,
    "spoil": spoil,
    "rehead": rehead,
    "join": lambda data, random: data + data,
}


def _sizes(
    data: bytes, chunk: bytes, form: str, value: int, whole_at: int | None, offset: int = 4
) -> bytes:
    if chunk not in data:
        return data
    packed = struct.pack(form, value)
    data = _replace(data, data.index(chunk) + offset, packed)
    return data if whole_at is None else _replace(data, whole_at, packed)


def _flac(data: bytes, total: int) -> bytes:
    return _replace(data, 21, bytes([data[21] & 0xF0]) + struct.pack(">I", total))


def _mpeg(data: bytes, random: Random) -> bytes:
    """Without the marks of an MP3's length, or with a wrong one."""
    mark = next((m for m in (b"Xing", b"Info") if m in data[:300]), None)
    if mark is None:
        return data
    place = data.index(mark)
    if random.random() < 0.5:
        return _replace(data, place, b"\0\0\0\0")
    return _replace(data, place + 8, struct.pack(">I", random.choice((1, 10, 5_000))))


def _replace(data: bytes, start: int, other: bytes) -> bytes:
    return data[:start] + other + data[start + len(other) :]


def ape_tag(size: int) -> bytes:
    """An APE tag with `size` bytes in it."""
    header = b"APETAGEX" + struct.pack("<IIII", 2_000, size + 32, 1, 0xA0000000) + b"\0" * 8
    footer = b"APETAGEX" + struct.pack("<IIII", 2_000, size + 32, 1, 0x80000000) + b"\0" * 8
    return header + b"x" * size + footer
