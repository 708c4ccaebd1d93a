"""a table of fields → the fields on the page, and of what they say the values of a request.

Not fields of Gradio's for numbers, which cannot be empty: they send 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import gradio as gr

from distill.errors import DistillError

TEXT = partial(gr.Textbox, max_lines=1)
"""The kind of field for a line of text."""


def as_it_is(value: Any) -> Any:
    """The reader of a field whose value is the one that is meant."""
    return value


@dataclass(frozen=True)
class Field:
    """A field of a tab."""

    key: str
    """Of the request that it fills in."""
    label: str
    kind: Callable[..., Any]
    """What it is on the page: one of Gradio's components, or a widget of our own."""
    value: Any = None
    """What it says at first."""
    help: str = ""
    read: Callable[[Any], Any] = as_it_is
    """What it says → the value for the key; raises DistillError for what cannot be."""
    more: Mapping[str, Any] = field(default_factory=dict)
    """Whatever else its kind is to be told."""

    def build(self) -> Any:
        """Put it on the page, at the place that is being built."""
        told = {"info": self.help, **self.more} if self.help else self.more
        return self.kind(label=self.label, value=self.value, **told)


class Form:
    """The fields of a table, as far as they are on the page."""

    def __init__(self, table: Sequence[Field]) -> None:
        self._table = {field.key: field for field in table}
        self._parts: dict[str, Any] = {}

    def build(self, *keys: str) -> None:
        """Put the fields of these keys on the page, one after the other."""
        for key in keys:
            self._parts[key] = self._table[key].build()

    def __getitem__(self, key: str) -> Any:
        return self._parts[key]

    @property
    def parts(self) -> list[Any]:
        """All of them, in the order of the table; `read` takes their values."""
        return [self._parts[key] for key in self._table]

    def read(self, values: Sequence[Any]) -> dict[str, Any]:
        """What the fields say, by their keys; raises DistillError for what cannot be."""
        pairs = zip(self._table.values(), values, strict=True)
        return {field.key: field.read(value) for field, value in pairs}


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
