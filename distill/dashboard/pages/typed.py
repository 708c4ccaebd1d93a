"""what was typed into a field → the number that is meant."""

from __future__ import annotations

import math

from distill.errors import DistillError


def read_number(typed: str | None, name: str, low: float, high: float) -> float | None:
    """The number, None for an empty field; raises DistillError outside of low to high."""
    text = (typed or "").strip().replace(",", ".")
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise DistillError(f"{name}: {text} is not a number from {low:g} to {high:g}")
    return value


def read_whole(typed: str | None, name: str, low: int, high: int) -> int | None:
    """The same for a whole number."""
    text = (typed or "").strip()
    if not text:
        return None
    if not text.isdecimal() or not low <= int(text[:20]) <= high:
        raise DistillError(f"{name}: {text} is not a whole number from {low:,} to {high:,}")
    return int(text)
