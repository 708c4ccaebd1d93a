"""the sounds of a run → a few of them to listen to, the same every time."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from distill.data.datamodule import SegmentDataModule
from distill.data.segments import FixedSegments, Segment
from distill.system.names import file_part, name_key
from distill.system.paths import natural_key

NEIGHBOURS = 8
"""Segments in a row that are read, to choose a clip from them."""
KNOWN = "known"
"""The word for a clip that the run learns from."""


@dataclass(frozen=True)
class Clip:
    """A segment to listen to."""

    segment: Segment
    name: str
    """Of its sound's file, with the folder of its class where the file's name does not tell it."""
    is_known: bool
    """Whether the run learns from it: none of its class is held out."""

    @property
    def title(self) -> str:
        """The name, with a mark on what is known."""
        return f"{self.name} ({KNOWN})" if self.is_known else self.name

    @property
    def label(self) -> str:
        """The name in letters that files may have, without its suffix: `kick`, `kicks/deep`."""
        path = PurePath(self.name)
        parts = [*path.parent.parts, path.stem]
        safe = "/".join(file_part(part, gap="_", longest=45, empty="sound") for part in parts)
        return f"{safe}_{KNOWN}" if self.is_known else safe


def choose_clips(data: SegmentDataModule, *, most: int, wanted: int) -> list[Clip]:
    """A clip of each class; of at most `most` classes, spread evenly over them, those with held-out
    sounds first. With less than `wanted` classes, there are so many held-out clips of each that
    they are some `wanted` together. A class of which nothing is held out shows a sound that the run
    learns from.
    """
    held_out, known = (data.segments_by_class(held_out=side) for side in (True, False))
    every = held_out.keys() | known.keys()
    classes = _spread(held_out, most)
    classes += _spread(every - held_out.keys(), most - len(classes))
    clips = []
    for name in sorted(classes, key=natural_key):
        is_known = name not in held_out
        side, count = (data.train, 1) if is_known else (data.val, max(1, wanted // len(classes)))
        for index in _most_heard(side, (known if is_known else held_out)[name], count):
            file = side.name(index)
            is_told = len(every) < 2 or name_key(name) in name_key(file)
            clips.append(Clip(side[index], file if is_told else f"{name}/{file}", is_known))
    return clips


def _spread(classes: Iterable[str], most: int) -> list[str]:
    names = sorted(classes, key=natural_key)
    count = min(most, len(names))
    return [names[place * len(names) // count] for place in range(count)]


def _most_heard(side: FixedSegments, indices: Sequence[int], most: int) -> list[int]:
    """At most `most` of these segments, spread evenly over them.

    Of neighbours, the one with most sound: others may hold only the first milliseconds of a sound,
    or its end.
    """
    count = min(most, len(indices))
    borders = [position * len(indices) // count for position in range(count + 1)]
    return [
        max(
            indices[first : min(first + NEIGHBOURS, last)],
            key=lambda index: float(side[index]["waveform"].abs().sum()),
        )
        for first, last in itertools.pairwise(borders)
    ]


def told_apart(labels: Sequence[str]) -> list[str]:
    """The labels; a second one that is the same is `kick_2`."""
    told = list[str]()
    for label in labels:
        free = (label if number == 1 else f"{label}_{number}" for number in itertools.count(1))
        told.append(next(each for each in free if each not in told))
    return told
