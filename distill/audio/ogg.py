"""the pages of an Ogg file → what FFmpeg does not check: where the sound ends, and how long it is.

Source: RFC 3533, section 6.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

CAPTURE = b"OggS"
HEADER_BYTES = 27
LONGEST_HEADER = HEADER_BYTES + 255
VORBIS = b"\x01vorbis"
"""The first packet begins with it."""
CHANNELS_AT = 11
"""Where it holds the number of channels."""
FIRST_PAGE, LAST_PAGE = 0x02, 0x04
"""Flags of the pages that begin and end a stream."""
LATEST_START = 480_000
"""A first page that counts more samples is from the middle of a broadcast."""
FEW_PAGES = 4
"""A sound in fewer pages is short."""
LARGEST_REST = 4096
"""More bytes than these behind the last page may be another sound."""
STEP = 1 << 16


class Page(NamedTuple):
    """A page; positions are in bytes."""

    content: int
    """Where its first packet begins."""
    end: int
    flags: int
    granule: int
    """The number of samples so far, at its end; 0 or less if no sound ends in it."""
    stream: int


class OggEnd(NamedTuple):
    """The end of an Ogg file."""

    position: int
    """Where the last complete page ends, in bytes."""
    is_end: bool
    """Whether the sound ends there."""
    samples: int
    """The samples of all streams together, as their pages count them. FFmpeg reads fewer where
    pages are damaged, or where two streams have the same number.
    """


def pages(file: BinaryIO, start: int) -> Iterator[Page]:
    """All complete pages from `start` on. Raises OSError."""
    size = file.seek(0, os.SEEK_END)
    position: int | None = start
    while position is not None:
        file.seek(position)
        header = file.read(LONGEST_HEADER)
        count = header[26] if len(header) > HEADER_BYTES and header[:4] == CAPTURE else 0
        content = position + HEADER_BYTES + count
        end = content + sum(header[HEADER_BYTES : HEADER_BYTES + count])
        if count and end <= size:
            granule = int.from_bytes(header[6:14], "little", signed=True)
            yield Page(content, end, header[5], granule, int.from_bytes(header[14:18], "little"))
            position = end
        else:
            position = _find_capture(file, position + 1)


def is_short(file: BinaryIO, start: int) -> bool:
    """Whether the file that begins at `start` is one Vorbis sound in a few pages, of which FFmpeg
    cuts the beginning instead of the end. Raises OSError.
    """
    sounding = sounding_bytes = channels = 0
    for number, page in enumerate(pages(file, start)):
        if bool(page.flags & FIRST_PAGE) != (number == 0):
            return False
        if number == 0:
            file.seek(page.content)
            packet = file.read(CHANNELS_AT + 1)
            if not packet.startswith(VORBIS) or len(packet) <= CHANNELS_AT:
                return False
            channels = packet[CHANNELS_AT]
        if page.granule > 0:
            sounding += 1
            sounding_bytes += page.end - page.content
        if sounding == FEW_PAGES:
            return False
        if page.flags & LAST_PAGE:
            file.seek(page.end)
            rest = file.read(LARGEST_REST + 1)
            if sounding_bytes > LARGEST_REST + channels * max(0, page.granule):
                return False  # more bytes than samples: the length is a wrong one
            return len(rest) <= LARGEST_REST and CAPTURE not in rest
    return False


def find_end(file: BinaryIO, start: int) -> OggEnd | None:
    """Where the file ends; None if it has no complete page. Raises OSError."""
    size = file.seek(0, os.SEEK_END)
    samples = begins = ends = 0
    page = None
    for page in pages(file, start):
        if page.flags & FIRST_PAGE:
            samples += ends - begins
            begins = ends = 0
        if page.granule > 0:
            if not ends and page.granule > LATEST_START:
                begins = page.granule
            ends = page.granule
    if page is None:
        return None
    file.seek(page.end)
    is_broken_off = CAPTURE in file.read(min(STEP, size - page.end))
    is_end = bool(page.flags & LAST_PAGE) and not is_broken_off
    return OggEnd(page.end, is_end, samples + ends - begins)


def tags(path: Path) -> dict[str, str]:
    """The tags of a Vorbis file, with names in capitals."""
    from mutagen import MutagenError
    from mutagen.oggvorbis import OggVorbis

    try:
        pairs: list[tuple[str, str]] = list(OggVorbis(path).tags or ())
    except MutagenError:
        return {}
    return {name.upper(): text for name, text in pairs}


def _find_capture(file: BinaryIO, start: int) -> int | None:
    """Where the next page begins; None if there is none."""
    position, kept = start, b""
    file.seek(start)
    while block := file.read(STEP):
        place = (kept + block).find(CAPTURE)
        if place >= 0:
            return position - len(kept) + place
        position += len(block)
        kept = block[-len(CAPTURE) + 1 :]
    return None
