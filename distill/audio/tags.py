"""a sound file's bytes → the tags that music players write around the sound.

Sources: ID3v1, ID3v2.4 (section 3.1) and APEv2.
"""

from __future__ import annotations

import os
from typing import BinaryIO

ID3V1_BYTES = 128
APE_BYTES = 32
"""Size of an APE tag's header, and of its footer."""
APE_HAS_HEADER = 0x80


def id3_bytes(head: bytes) -> int:
    """The size of the ID3v2 tag that begins here, 0 if there is none."""
    if head[:3] != b"ID3" or len(head) < 10 or max(head[6:10]) > 0x7F:
        return 0
    size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
    return size + (20 if head[5] & 0x10 else 10)


def tag_bytes(beginning: bytes) -> int:
    """The size of the tag of any kind that begins here, 0 if there is none. `beginning` holds at
    least 32 bytes.
    """
    if beginning.startswith(b"TAG"):
        return ID3V1_BYTES
    if beginning.startswith(b"APETAGEX"):
        return int.from_bytes(beginning[12:16], "little") + APE_BYTES
    return id3_bytes(beginning)


def end_of_sound(file: BinaryIO) -> int:
    """Where the tags at the end of a file begin. Raises OSError."""
    end = file.seek(0, os.SEEK_END)
    for size, mark in ((ID3V1_BYTES, b"TAG"), (APE_BYTES, b"APETAGEX")):
        if end < size:
            break
        file.seek(end - size)
        tail = file.read(size)
        if not tail.startswith(mark):
            continue
        end -= size
        if mark == b"APETAGEX":
            length = int.from_bytes(tail[12:16], "little")
            end -= length - (0 if tail[23] & APE_HAS_HEADER else APE_BYTES)
    return max(0, end)
