"""what is kept of each channel beside its codes ↔ 1 to 7 bytes.

Codes say how a channel sounds, but not how it goes with another one, nor exactly how loud a very
short sound or a sudden end is: the network was trained on longer ones.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from distill.errors import CodesError

OWN, COPY, REST = 0, 1, 2
"""The codes are those of the channel; there are none, it is a copy of the first channel; the codes
are those of what is left of the channel without such a copy.
"""
LEVEL, END = 4, 8
"""Added to the kind in the first byte, if a level is told, and if that of the end is."""
PLACE = struct.Struct("<hh")
"""Delay and gain, which come next if there is a copy; then the level and that of the end, a byte
each.
"""
MOST_CHANNELS = 1 << 12
"""No facts are kept of a sound with more."""
DELAY_STEPS = 64
"""Steps of a delay in a sample."""
GAIN_STEPS, GAIN_OFFSET_DB = 100, 100
"""Steps of a gain in a decibel, counted from -100 dB; below 0 for an opposite copy."""
LEVEL_STEPS, LOWEST_LEVEL_DB = 2, -120.0
"""Steps of a level in a decibel, counted from there; 0 if it is not told."""


@dataclass(frozen=True)
class ChannelFacts:
    """Of one channel, in whole numbers as they stand in a file."""

    kind: int = OWN
    delay: int = 0
    """Of the copy behind the first channel, in 1 / DELAY_STEPS of a sample of the original."""
    gain: int = 0
    """Of the copy."""
    level: int = 0
    """Of a very short sound."""
    end: int = 0
    """Level of the last moments of a sound that ends suddenly."""

    @property
    def has_codes(self) -> bool:
        """Whether there are codes for it."""
        return self.kind != COPY

    @property
    def factor(self) -> float:
        """What the first channel is multiplied with to get the copy; 0 if there is none."""
        if self.kind == OWN:
            return 0.0
        size: float = 10 ** ((abs(self.gain) / GAIN_STEPS - GAIN_OFFSET_DB) / 20)
        return math.copysign(size, self.gain)


def gain_of(factor: float) -> int:
    """A factor that is not 0 → its number."""
    steps = round((20 * math.log10(abs(factor)) + GAIN_OFFSET_DB) * GAIN_STEPS)
    return int(math.copysign(min(max(steps, 1), 2 * GAIN_OFFSET_DB * GAIN_STEPS), factor))


def level_of(power: float) -> int:
    """A mean power → the number of its level."""
    if power <= 0:
        return 0
    steps = round((10 * math.log10(power) - LOWEST_LEVEL_DB) * LEVEL_STEPS)
    return min(max(steps, 1), 255)


def power_of(level: int) -> float:
    """The number of a level → its mean power."""
    power: float = 10 ** ((level / LEVEL_STEPS + LOWEST_LEVEL_DB) / 10)
    return power


def pack(facts: Sequence[ChannelFacts]) -> bytes:
    """Facts → their bytes."""
    data = bytearray()
    for each in facts:
        data.append(each.kind + LEVEL * (each.level > 0) + END * (each.end > 0))
        if each.kind != OWN:
            data += PLACE.pack(each.delay, each.gain)
        data += bytes(number for number in (each.level, each.end) if number)
    return bytes(data)


def unpack(data: bytes, channels: int) -> tuple[tuple[ChannelFacts, ...], bytes]:
    """Bytes → facts of these channels, and the bytes after them; raises CodesError for such that
    cannot be.
    """
    if channels > MOST_CHANNELS:
        raise CodesError("holds more channels than distill writes")
    facts: list[ChannelFacts] = []
    at = 0
    try:
        for _ in range(channels):
            kind, has_level, has_end = data[at] % LEVEL, data[at] & LEVEL, data[at] & END
            at += 1
            delay = gain = level = end = 0
            if kind != OWN:
                delay, gain = PLACE.unpack_from(data, at)
                at += PLACE.size
            if has_level:
                level, at = data[at], at + 1
            if has_end:
                end, at = data[at], at + 1
            facts.append(ChannelFacts(kind, delay, gain, level, end))
    except (IndexError, struct.error):
        raise CodesError("holds fewer channels than its header says") from None
    if facts[0].kind != OWN or pack(facts) != data[:at] or any(e.kind > REST for e in facts):
        raise CodesError("holds channels that distill does not write")
    return tuple(facts), data[at:]


def with_codes(facts: Sequence[ChannelFacts]) -> int:
    """How many channels have codes."""
    return sum(each.has_codes for each in facts)
