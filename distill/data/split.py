"""sounds → training and held-out pieces, chosen by content and seed alone."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from distill.data.classes import classes_of
from distill.data.collection import Sound


@dataclass(frozen=True)
class Piece:
    """A part of a sound, in samples; nearly always the whole sound."""

    sound: Sound
    start: int
    stop: int


FEWEST_HELD_OUT = 5
"""With fewer held-out sounds, chance decides over the held-out figures."""


@dataclass(frozen=True)
class Split:
    """The two sides of a collection; `note` says what is unusual about the split, if anything."""

    train: tuple[Piece, ...]
    val: tuple[Piece, ...]
    note: str = ""

    @cached_property
    def classes(self) -> dict[str, str]:
        """Path of a sound of either side → its class."""
        return classes_of(piece.sound.path for piece in (*self.train, *self.val))

    def class_counts(self) -> dict[str, int]:
        """Class → how many sounds of both sides are of it, by name."""
        return dict(sorted(Counter(self.classes.values()).items()))


def split_sounds(
    sounds: Sequence[Sound], *, val_fraction: float, seed: int, segment_samples: int
) -> Split:
    """Choose each sound's side by its content and the seed, so that adding a file does not move any
    other file to the other side.

    If a side would be empty, the sound nearest to the border is moved to it. A single sound is cut
    in two parts, with a gap between them. The contents of all sounds must differ, as they do in a
    Collection.
    """
    if len(sounds) == 1:
        return _split_one(sounds[0], val_fraction, segment_samples)
    ranked = sorted((_draw(sound.content, seed), sound.content) for sound in sounds)
    drawn = sum(position < val_fraction for position, _ in ranked)
    held_out = min(max(drawn, 1), len(ranked) - 1)
    note = "" if held_out == drawn else "one file was moved so that neither side is empty"
    val_contents = {content for _, content in ranked[:held_out]}
    pieces = [Piece(sound, 0, sound.samples) for sound in sounds]
    return Split(
        train=tuple(piece for piece in pieces if piece.sound.content not in val_contents),
        val=tuple(piece for piece in pieces if piece.sound.content in val_contents),
        note=note,
    )


def _split_one(sound: Sound, val_fraction: float, segment_samples: int) -> Split:
    gap = min(segment_samples, sound.samples // 5)
    held_out = max(
        1, min(sound.samples // 5, max(segment_samples, int(val_fraction * sound.samples)))
    )
    border = sound.samples - held_out
    note = (
        "a single file: its end is held out, with a gap between the sides; "
        "the held-out figures say little about other sounds"
    )
    train = Piece(sound, 0, max(1, border - gap))
    return Split((train,), (Piece(sound, border, sound.samples),), note)


def _draw(content: str, seed: int) -> float:
    """A number in [0, 1) that looks random but depends only on content and seed."""
    digest = hashlib.sha256(f"{seed}:{content}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
