"""names of classes → the order of a drum map, the keys of pads, and which pads choke each other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import PurePosixPath

DRUMS = (
    ("kick", ("kick", "bassdrum", "bd", "kik", "kd")),
    ("snare", ("snare", "sd", "sn", "rim", "rimshot", "rs", "sidestick")),
    ("hat", ("hat", "hihat", "hh", "ch", "chh", "closed", "closedhat")),
    ("open hat", ("openhat", "oh", "ohh", "open")),
    ("clap", ("clap", "handclap", "cp")),
    ("tom", ("tom", "floortom", "lt", "mt", "ht", "tomtom")),
    ("crash", ("crash", "cr")),
    ("ride", ("ride", "rd", "cymbal", "cy")),
    ("cowbell", ("cowbell", "cb", "bell")),
    ("percussion", ("perc", "percussion", "conga", "bongo", "shaker", "tambourine", "clave")),
)
"""Parts of a drum kit in the order in which they lie on the keys, and words that classes are
called by.
"""
HATS = ("hat", "open hat")
OPEN = ("open", "oh", "ohh")


@dataclass(frozen=True)
class Zone:
    """A file of a pad."""

    path: PurePosixPath
    """Seen from the preset."""
    low_velocity: int
    high_velocity: int
    robin: int
    """Its turn, from 1."""


@dataclass
class Pad:
    """One new sound on a key, with its takes."""

    class_name: str
    name: str
    key: int
    """The MIDI note."""
    choked: bool
    """Whether it is silenced by the other hats."""
    zones: list[Zone] = field(default_factory=list)

    @property
    def robins(self) -> int:
        """How many takes are played in turn."""
        return max((zone.robin for zone in self.zones), default=1)


def drum_of(class_name: str) -> str:
    """The part of a drum kit that a class is by its name; empty for another one. `808bd`, `Kicks`
    and `kick drum` are kicks.
    """
    words = re.findall(r"[a-z]+", class_name.lower())
    joined = {*words, *(one + other for one, other in pairwise(words))}
    joined |= {word.removesuffix("s") for word in joined}
    if joined & set(OPEN) and joined & {"hat", "hihat", "hh"}:
        return "open hat"
    for drum, names in DRUMS:
        if joined & set(names):
            return drum
    return ""


def in_order(class_names: Sequence[str]) -> list[str]:
    """Classes as they follow each other on the keys: drums as in a drum map, then the others by
    their names.
    """
    drums = [drum for drum, _ in DRUMS]
    places = {name: drum_of(name) for name in class_names}
    return sorted(
        class_names,
        key=lambda name: (drums.index(places[name]) if places[name] else len(drums), name),
    )


def choked(class_names: Sequence[str]) -> set[str]:
    """The classes of closed and open hats, if both are there: one ends the other."""
    hats = {name: drum_of(name) for name in class_names if drum_of(name) in HATS}
    return set(hats) if set(hats.values()) == set(HATS) else set()


def velocities(layers: int) -> list[tuple[int, int]]:
    """The velocities of each layer, the loudest first; together 1 to 127."""
    edges = [round(127 * layer / layers) for layer in range(layers + 1)]
    return [(low + 1, high) for low, high in pairwise(edges)][::-1]
