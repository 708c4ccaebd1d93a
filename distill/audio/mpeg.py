"""the first frame of an MP3 → the length that an encoder wrote into it."""

from __future__ import annotations

MARKS = (b"Xing", b"Info")
FURTHEST = 64
"""The mark lies within the first bytes, at most this number."""
HAS_FRAMES = 0x01
VERSION_1 = 0x18
"""These bits of the second byte, all set, mean MPEG 1, with frames of 1152 samples."""


def count_samples(head: bytes) -> int:
    """The number of samples that the first frame counts; 0 if it does not."""
    place = max(head.find(mark, 0, FURTHEST) for mark in MARKS)
    if place < 0 or len(head) < place + 12 or not head[place + 7] & HAS_FRAMES:
        return 0
    frames = int.from_bytes(head[place + 8 : place + 12], "big")
    return frames * (1152 if head[1] & VERSION_1 == VERSION_1 else 576)
