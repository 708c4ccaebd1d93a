"""held-out segments → a few of them to listen to."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

from distill.data.segments import FixedSegments
from distill.system.names import file_part

NEIGHBOURS = 8
"""Held-out segments in a row that are read, to choose a clip from them."""


def choose_clips(segments: FixedSegments, most: int) -> list[int]:
    """Indices of at most `most` clips, spread evenly over the held-out segments.

    Of neighbours, the one with most sound: others may hold only the first or last milliseconds
    of a sound.
    """
    count = min(most, len(segments))
    borders = [position * len(segments) // count for position in range(count + 1)]
    return [
        max(
            range(first, min(first + NEIGHBOURS, last)),
            key=lambda index: segments[index]["sound_end"] - segments[index]["sound_begin"],
        )
        for first, last in itertools.pairwise(borders)
    ]


def clip_labels(names: Sequence[str]) -> list[str]:
    """Names of sound files → a label for each, without its suffix; a second one of the same name is
    `kick_2`.
    """
    parts, labels = [clip_part(name) for name in names], list[str]()
    for part in parts:
        free = (part if number == 1 else f"{part}_{number}" for number in itertools.count(1))
        labels.append(next(label for label in free if label not in labels))
    return labels


def clip_part(name: str) -> str:
    """A sound file's name → the part that goes into the name of a clip's file."""
    return file_part(Path(name).stem, gap="_", longest=60, empty="sound")
