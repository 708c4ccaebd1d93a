"""what was typed into a field → the number or name that is meant."""

from __future__ import annotations

import math
import re

from distill.errors import DistillError
from distill.system.paths import is_text
from distill.system.terminal import plain

THOUSANDS = re.compile(r"[+-]?0*[1-9]\d{0,2},\d{3}")
"""A comma that may stand before decimals, or between thousands."""


def read_number(typed: str | None, name: str, low: float, high: float) -> float | None:
    """The number, None for an empty field; raises DistillError outside of low to high."""
    text = (typed or "").strip()
    if not text:
        return None
    if THOUSANDS.fullmatch(text):
        raise DistillError(f"{name}: {text} can be read in two ways; write it without a comma")
    try:
        value = float(text.replace(",", ".")) if "_" not in text else math.nan
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise DistillError(f"{name}: {text} is not a number from {low:g} to {high:g}")
    return value


def read_name(typed: str | None) -> str:
    """The name as it was typed; raises DistillError for what no setting can hold."""
    text = (typed or "").strip()
    if "${" in text or any(ord(letter) < 32 for letter in text) or not is_text(text):
        raise DistillError(f"Name: {plain(text)}: ${{ and control letters cannot be in it")
    return text


def read_whole(typed: str | None, name: str, low: int, high: int) -> int | None:
    """The same for a whole number."""
    text = (typed or "").strip()
    if not text:
        return None
    if not text.isdecimal() or not low <= int(text[:20]) <= high:
        raise DistillError(f"{name}: {text} is not a whole number from {low:,} to {high:,}")
    return int(text)
