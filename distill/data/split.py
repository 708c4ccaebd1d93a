"""sounds → train and validation pieces, by content and seed alone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from distill.data.collection import Sound


@dataclass(frozen=True)
class Piece:
    """A stretch of a sound, in samples; nearly always all of it."""

    sound: Sound
    start: int
    stop: int


FEWEST_HELD_OUT = 5
"""With fewer held-out sounds, chance decides over the held-out figures."""


@dataclass(frozen=True)
class Split:
    """The two sides; `note` says what is unusual about them."""

    train: tuple[Piece, ...]
    val: tuple[Piece, ...]
    note: str = ""


def split_sounds(
    sounds: Sequence[Sound], *, val_fraction: float, seed: int, segment_samples: int
) -> Split:
    """Draw each sound's side from its content and the seed, so that adding a file moves no other
    across.

    Only if a side would stay empty does the sound nearest to the border change sides; a single
    sound is cut in two with a gap between. The sounds' contents must differ (as those of a
    Collection do).
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
        "validation says less about other sounds than it would with more files"
    )
    train = Piece(sound, 0, max(1, border - gap))
    return Split((train,), (Piece(sound, border, sound.samples),), note)


def _draw(content: str, seed: int) -> float:
    """A number in [0, 1) that looks random and depends on nothing else."""
    digest = hashlib.sha256(f"{seed}:{content}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
