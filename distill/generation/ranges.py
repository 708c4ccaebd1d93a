"""the ranges of a request for new sounds, and the check of them. Imports no torch."""

from __future__ import annotations

from distill.errors import GenerationError

LENGTHS_S = (0.05, 600.0)
TEMPERATURES = (0.05, 3.0)
AMOUNTS = (0.0, 1.0)
LIKE_AMOUNT, MORPH_AMOUNT, NEW_AMOUNT, OWN_AMOUNT = 0.5, 0.25, 0.3, 0.2
"""The amount where none is given: how far sounds are from what they are drawn to. Variations are
drawn to their original, a morph to a mix of the two, new sounds to parts of known ones. The last
one is for new sounds where nothing could be learnt.
"""
LONGEST_GIVEN_S = 60.0
"""Of a sound to begin with."""


def check_request_numbers(
    *, temperature: float, length_s: float | None = None, amount: float | None = None
) -> None:
    """Raise GenerationError for a number out of its range."""
    _within("temperature", temperature, TEMPERATURES)
    _within("length", length_s, LENGTHS_S)
    _within("amount", amount, AMOUNTS)


def _within(what: str, value: float | None, limits: tuple[float, float]) -> None:
    low, high = limits
    if value is not None and not low <= value <= high:
        raise GenerationError(f"{what} {value:g}: must be from {low:g} to {high:g}")
