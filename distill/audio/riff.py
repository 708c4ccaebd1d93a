"""a WAV file with a loop → the same with the chunks by which samplers and sequencers repeat it.

`smpl` has the first and last sample of the loop (Multimedia Programming Interface and Data
Specifications 1.0), `acid` its tempo and beats, as loop libraries have had it since Acid.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

MIDDLE_C = 60
BEATS_IN_BAR, BEAT_NOTE = 4, 4
STRETCHED = 4
"""The flag of `acid` for a loop that follows the tempo of a piece."""


@dataclass(frozen=True)
class Loop:
    """A file that is repeated as a whole."""

    bpm: float | None = None
    """None if it has no tempo."""
    beats: int | None = None


def add_loop_chunks(path: Path, loop: Loop, *, samples: int, rate_hz: int) -> None:
    """Add the chunks at the end of a WAV file with `samples`. Raises OSError."""
    chunks = [(b"smpl", _sampler_chunk(samples, rate_hz))]
    if loop.bpm is not None and loop.beats is not None:
        chunks.append((b"acid", _acid_chunk(loop.bpm, loop.beats)))
    with path.open("r+b") as file:
        if file.read(4) != b"RIFF":  # an RF64 file, for more than 4 GB
            return
        file.seek(0, 2)
        if file.tell() % 2:
            file.write(b"\0")
        for name, content in chunks:
            file.write(name + struct.pack("<I", len(content)) + content)
        size = file.tell()
        file.seek(4)
        file.write(struct.pack("<I", size - 8))


def _sampler_chunk(samples: int, rate_hz: int) -> bytes:
    period_ns = round(1e9 / rate_hz)
    head = struct.pack("<9I", 0, 0, period_ns, MIDDLE_C, 0, 0, 0, 1, 0)
    return head + struct.pack("<6I", 0, 0, 0, samples - 1, 0, 0)


def _acid_chunk(bpm: float, beats: int) -> bytes:
    unknown = (0x8000, 0.0)
    return struct.pack(
        "<IHHfIHHf", STRETCHED, MIDDLE_C, *unknown, beats, BEAT_NOTE, BEATS_IN_BAR, bpm
    )
