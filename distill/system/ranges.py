"""the values that a field of a dataclass allows → the field's metadata, and a text for messages."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any, Union, get_args, get_origin

WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}


def within(low: float, high: float, *, strictly_above: bool = False) -> dict[str, Any]:
    """A number in [low, high], or in (low, high] if `strictly_above`; in a list, each entry."""
    return {"low": low, "high": high, "open": strictly_above}


def one_of(*choices: str) -> dict[str, Any]:
    """One of a few words."""
    return {"choices": choices}


def filled() -> dict[str, Any]:
    """Text that is not empty."""
    return {"filled": True}


def any_float() -> dict[str, Any]:
    """Any float, also NaN and infinity, which the loss of a failed run can be."""
    return {"any_float": True}


def parts(**metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata for the fields of a dataclass that has none of its own."""
    return {"parts": metadata}


def is_nullable(hint: Any) -> bool:
    """Whether a type hint allows None."""
    return get_origin(hint) in (Union, types.UnionType) and type(None) in get_args(hint)


def without_null(hint: Any) -> Any:
    """`X | None` → X; other type hints are unchanged."""
    if not is_nullable(hint):
        return hint
    (kind,) = (part for part in get_args(hint) if part is not type(None))
    return kind


def describe(hint: Any, metadata: Mapping[str, Any]) -> str:
    """What a field allows, in words."""
    kind = without_null(hint)
    several = get_origin(kind) in (list, tuple)
    kind = get_args(kind)[0] if several else kind
    is_dictionary = is_dataclass(kind) or get_origin(kind) is dict
    text = "a dictionary" if is_dictionary else WORDS.get(kind, "a value")
    if "low" in metadata:
        start = "above" if metadata["open"] else "from"
        text += f" {start} {metadata['low']:,} to {metadata['high']:,}"
    if "choices" in metadata:
        text = "one of " + ", ".join(metadata["choices"])
    if several:
        text = f"a list, each entry {text}"
    return f"must be {text}" + (" or null" if is_nullable(hint) else "")
