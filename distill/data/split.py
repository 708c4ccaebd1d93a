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


@dataclass(frozen=True)
class Sides:
    """Contents of sounds that are on a side already, as in the model that a run begins with."""

    held_out: frozenset[str] = frozenset()
    trained: frozenset[str] = frozenset()
    cut: frozenset[str] = frozenset()
    """Sounds whose end is held out, as of a single file."""

    def __bool__(self) -> bool:
        return bool(self.held_out or self.trained or self.cut)

    def plain(self) -> dict[str, list[str]]:
        """The same as lists, for JSON and bundles."""
        return {key: sorted(contents) for key, contents in vars(self).items()}

    @classmethod
    def of(cls, plain: object) -> Sides:
        """What `plain` made; what is not that has no contents."""
        given = plain if isinstance(plain, dict) else {}
        return cls(*(_contents(given.get(key)) for key in ("held_out", "trained", "cut")))


NO_SIDES = Sides()
FEWEST_HELD_OUT = 5
"""With fewer held-out sounds, chance decides over the held-out figures."""
MOVED = "one file was moved so that neither side is empty"
TRAINED_BEFORE = ", and what the run begins with was trained on it"
HELD_OUT_BEFORE = ", and it was held out before"
ONE_FILE = (
    "a single file: its end is held out, with a gap between the sides; "
    "the held-out figures say little about other sounds"
)


@dataclass(frozen=True)
class Split:
    """The two sides of a collection; `note` says what is unusual about the split, if anything."""

    train: tuple[Piece, ...]
    val: tuple[Piece, ...]
    note: str = ""
    exceptions: Sides = NO_SIDES
    """The sounds that are on another side than their content and the seed say."""

    @cached_property
    def classes(self) -> dict[str, str]:
        """Path of a sound of either side → its class."""
        return classes_of(piece.sound.path for piece in (*self.train, *self.val))

    def class_counts(self) -> dict[str, int]:
        """Class → how many sounds of both sides are of it, by name."""
        return dict(sorted(Counter(self.classes.values()).items()))


def split_sounds(
    sounds: Sequence[Sound],
    *,
    val_fraction: float,
    seed: int,
    segment_samples: int,
    before: Sides = NO_SIDES,
) -> Split:
    """Choose each sound's side by its content and the seed, so that adding a file does not move any
    other file to the other side. A sound keeps the side that it had `before`.

    If a side would be empty, the sound nearest to the border is moved to it, one without a side
    before if there is any. A single sound is cut in two parts, with a gap between them. The
    contents of all sounds must differ, as they do in a Collection.
    """
    contents = [sound.content for sound in sounds]
    sides, note = choose_sides(contents, val_fraction=val_fraction, seed=seed, before=before)
    train, val = list[Piece](), list[Piece]()
    for sound in sounds:
        if sound.content in sides.cut:
            parts = _cut(sound, val_fraction, segment_samples)
            train.append(parts[0])
            val.append(parts[1])
        else:
            held_out = sound.content in sides.held_out
            (val if held_out else train).append(Piece(sound, 0, sound.samples))
    known = Sides(
        before.held_out - sides.trained | sides.held_out,
        before.trained - sides.held_out | sides.trained,
        before.cut | sides.cut,
    )
    exceptions = Sides(
        frozenset(each for each in known.held_out if _draw(each, seed) >= val_fraction),
        frozenset(each for each in known.trained if _draw(each, seed) < val_fraction),
        known.cut,
    )
    return Split(tuple(train), tuple(val), note, exceptions)


def choose_sides(
    contents: Sequence[str], *, val_fraction: float, seed: int, before: Sides = NO_SIDES
) -> tuple[Sides, str]:
    """Contents of a collection → their sides, and what is unusual about them, if anything; as
    `split_sounds` says.
    """
    if len(contents) == 1:
        return Sides(cut=frozenset(contents)), ONE_FILE
    cut = before.cut & set(contents)
    ranked = sorted((_draw(content, seed), content) for content in contents if content not in cut)
    held_out = {
        content
        for position, content in ranked
        if content in before.held_out or (content not in before.trained and position < val_fraction)
    }
    note, order = "", [content for _, content in ranked]
    if not cut and not held_out:
        free = [content for content in order if content not in before.trained]
        held_out, note = {(free or order)[0]}, MOVED + ("" if free else TRAINED_BEFORE)
    elif not cut and len(held_out) == len(order):
        free = [content for content in order if content not in before.held_out]
        held_out, note = held_out - {(free or order)[-1]}, MOVED + ("" if free else HELD_OUT_BEFORE)
    return Sides(frozenset(held_out), frozenset(order) - held_out, cut), note


def _cut(sound: Sound, val_fraction: float, segment_samples: int) -> tuple[Piece, Piece]:
    gap = min(segment_samples, sound.samples // 5)
    held_out = max(
        1, min(sound.samples // 5, max(segment_samples, int(val_fraction * sound.samples)))
    )
    border = sound.samples - held_out
    return Piece(sound, 0, max(1, border - gap)), Piece(sound, border, sound.samples)


def _contents(value: object) -> frozenset[str]:
    return frozenset(map(str, value)) if isinstance(value, list) else frozenset()


def _draw(content: str, seed: int) -> float:
    """A number in [0, 1) that looks random but depends only on content and seed."""
    digest = hashlib.sha256(f"{seed}:{content}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
