"""a value as a program gives it → the number that it is, or its text in a message."""

from __future__ import annotations

import math
import reprlib
from numbers import Integral, Real
from typing import Any

LARGEST_SEED = 2**63 - 1
"""Of what a model makes sound with: the largest number of 64 bits."""
MOST_DIGITS = 30


def whole(value: Any, low: int, high: int) -> int | None:
    """The whole number in [low, high] that a value of any type is; None if it is none."""
    number = real(value, -math.inf, math.inf)
    if number is None or not math.isfinite(number) or number != math.floor(number):
        return None
    exact = int(value)
    return exact if low <= exact <= high else None


def real(value: Any, low: float, high: float) -> float | None:
    """The number in [low, high] that a value of any type is; None if it is none."""
    try:
        number = math.nan if isinstance(value, str | bytes | bool) else float(value)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        return None
    return number if low <= number <= high else None


def shown(value: Any) -> str:
    """A value in a few characters of one line."""
    if isinstance(value, Integral) and abs(value) >= 10**MOST_DIGITS:
        return "a number far outside"
    if isinstance(value, Real):
        return str(value) if isinstance(value, Integral) else f"{float(value):g}"
    return " ".join(reprlib.repr(value).split())
