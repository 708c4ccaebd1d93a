"""what was typed into a field → the number or folder that is meant.

Not fields of Gradio's for numbers, which cannot be empty: they send 0.
"""

from __future__ import annotations

import math

from distill.errors import DistillError, RunError
from distill.system.paths import exists, is_folder


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


def require_folder(typed: str) -> None:
    """Raise RunError where there is no such folder."""
    text = typed.strip()
    if not is_folder(text):
        what = "is a file; choose its folder" if exists(text) else "no such folder"
        raise RunError(f"{text}: {what}")
