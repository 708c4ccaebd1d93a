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


def not_empty() -> dict[str, Any]:
    """Text that is not empty."""
    return {"filled": True}


def any_float() -> dict[str, Any]:
    """Any float, also NaN and infinity, which the loss of a failed run can be."""
    return {"any_float": True}


def nan_as_null() -> dict[str, Any]:
    """Any float, in values from JSON, where NaN and infinity are null: null is read as NaN."""
    return {"any_float": True, "nan_as_null": True}


def or_null() -> dict[str, Any]:
    """Null as well as no key at all, for a field whose default is None."""
    return {"or_null": True}


def parts(**metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata for the fields of a dataclass that has none of its own."""
    return {"parts": metadata}


def is_nullable(hint: Any) -> bool:
    """Whether a type hint allows None."""
    return is_union(hint) and type(None) in get_args(hint)


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
    text = "a dictionary" if is_dictionary else _in_words(kind)
    if "low" in metadata:
        start = "above" if metadata["open"] else "from"
        text += f" {start} {metadata['low']:,} to {metadata['high']:,}"
    if "choices" in metadata:
        text = "one of " + ", ".join(metadata["choices"])
    if several:
        text = f"a list, each entry {text}"
    return f"must be {text}" + (" or null" if is_nullable(hint) else "")


def is_union(hint: Any) -> bool:
    """Whether a type hint allows values of several types."""
    return get_origin(hint) in (Union, types.UnionType)


def _in_words(kind: Any) -> str:
    kinds = get_args(kind) if is_union(kind) else (kind,)
    return " or ".join(WORDS.get(each, "a value") for each in kinds)
