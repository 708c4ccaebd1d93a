"""the ranges of a request for new sounds, and the check of them. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping

from distill.errors import GenerationError
from distill.system.given import real, shown

LENGTHS_S = (0.05, 600.0)
TEMPERATURES = (0.05, 3.0)
AMOUNTS = (0.0, 1.0)
NEW_AMOUNT, LIKE_AMOUNT, MORPH_AMOUNT = 0.3, 0.4, 0.0
"""The amount where none is given: how far new sounds are from known ones, variations from their
original, and a morph from the way between its two ends.
"""
TEMPOS_BPM, BEATS = (30.0, 300.0), (1, 64)
BEATS_IN_BAR, USUAL_BEATS = 4, 8
"""Of a loop in time."""
SLOTS = 4
"""Sixteenths in a beat."""
USUAL_TEMPERATURE = 1.0
"""The prior draws sounds at any other temperature. At this one, they are coded as they are made:
drawn, they are told from real sounds more easily, and recognised less.
"""
LONGEST_GIVEN_S = 60.0
"""Of a sound to begin with."""
WITH_LENGTH = ("like", "morph")
"""Ways to make sounds whose length is that of the given ones."""
MOST_PER_CLASS, MOST_ROBINS, MOST_LAYERS = 64, 8, 4
"""Of a kit: sounds of a class, takes of a sound, and velocity layers."""
KIT_RATES_HZ = (44_100, 48_000)
FIRST_KEY, LAST_KEY = 36, 127
"""MIDI notes of a kit's pads: C1, where a drum map begins, and the highest."""
MOST_PADS = LAST_KEY - FIRST_KEY + 1


def check_request_numbers(
    *, temperature: float, length_s: float | None = None, amount: float | None = None
) -> None:
    """Raise GenerationError for what is no number, or one out of its range."""
    _within("temperature", temperature, TEMPERATURES)
    if length_s is not None:
        _within("length", length_s, LENGTHS_S)
    if amount is not None:
        _within("amount", amount, AMOUNTS)


def check_time(
    bpm: float | None, beats: int | None, *, is_loop: bool, has_length: bool, mark: str = ""
) -> None:
    """Raise GenerationError for a tempo and a number of beats that cannot be, or where they have no
    place. `mark` stands before the names.
    """
    if bpm is None and beats is None:
        return
    if bpm is None:
        raise GenerationError(f"a loop of so many bars or beats has a tempo: add {mark}bpm")
    _within("bpm", bpm, TEMPOS_BPM)
    if beats is not None:
        _within("beats", beats, BEATS)
        if beats != int(beats):
            raise GenerationError(f"beats {shown(beats)}: must be a whole number")
    if not is_loop:
        raise GenerationError(f"{mark}bpm: only a loop has a tempo; add {mark}loop")
    if has_length:
        raise GenerationError(f"{mark}length: {mark}bpm and the beats say how long a loop is")


def check_ways(ways: Mapping[str, object], *, has_length: bool, mark: str = "") -> None:
    """Raise GenerationError for ways to make sounds that exclude each other, and for a length
    beside one that has its own; None and False are not asked for. `mark` stands before the names.
    """
    given = [name for name, value in ways.items() if value is not None and value is not False]
    if len(given) > 1:
        raise GenerationError(f"{' and '.join(mark + name for name in given)}: give one of them")
    if has_length and given and given[0] in WITH_LENGTH:
        raise GenerationError(
            f"{mark}length: {mark}{given[0]} has the length of the sound that is given"
        )


def _within(what: str, value: object, limits: tuple[float, float]) -> None:
    low, high = limits
    if real(value, low, high) is None:
        raise GenerationError(f"{what} {shown(value)}: must be from {low:g} to {high:g}")
