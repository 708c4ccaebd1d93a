"""the beginning of a FLAC file → facts that libsndfile does not give, or trusts too much.

Source: RFC 9639, sections 8.2 and 8.6.
"""

from __future__ import annotations

from typing import BinaryIO

STREAM_INFO_BYTES = 42
"""Mark, block header and STREAMINFO: every FLAC file begins with them."""
TOTAL_AT = 21
"""Where the number of samples begins, with the lower half of this byte; four bytes follow."""
COMMENTS = 4
"""Type of the metadata block that holds the tags."""


def total_samples(head: bytes) -> int:
    """The number of samples of each channel in the header; 0 if it is unknown."""
    return (head[TOTAL_AT] & 0x0F) << 32 | int.from_bytes(head[TOTAL_AT + 1 : TOTAL_AT + 5], "big")


def hide_total(head: bytes) -> dict[int, int]:
    """The bytes that turn the number of samples into an unknown one: position → byte."""
    return {TOTAL_AT: head[TOTAL_AT] & 0xF0} | {TOTAL_AT + i: 0 for i in range(1, 5)}


def comments(file: BinaryIO, start: int) -> dict[str, str]:
    """The tags of the FLAC file that begins at `start`, with names in capitals. Raises OSError."""
    position = start + 4
    while True:
        file.seek(position)
        header = file.read(4)
        if len(header) < 4:
            return {}
        size = int.from_bytes(header[1:], "big")
        if header[0] & 0x7F == COMMENTS:
            return _comments_of(file.read(size))
        if header[0] & 0x80:  # the last block
            return {}
        position += 4 + size


def _comments_of(block: bytes) -> dict[str, str]:
    found = {}
    position = 8 + int.from_bytes(block[:4], "little")
    while position + 4 <= len(block):
        size = int.from_bytes(block[position : position + 4], "little")
        text = block[position + 4 : position + 4 + size].decode("utf-8", errors="replace")
        name, _, value = text.partition("=")
        found[name.upper()] = value
        position += 4 + size
    return found
