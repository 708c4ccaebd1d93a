"""a table of fields → the fields on the page, and of what they say the values of a request."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import gradio as gr

TEXT = partial(gr.Textbox, max_lines=1)
"""The kind of field for a line of text, and for numbers: Gradio's own fields for these cannot be
empty, and send 0.
"""


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

    def said(self, values: Sequence[Any]) -> dict[str, Any]:
        """The values of `parts` by the keys of their fields."""
        return dict(zip(self._table, values, strict=True))

    def read(self, values: Sequence[Any], *, hidden: Collection[str] = ()) -> dict[str, Any]:
        """What the fields say, by their keys, the hidden ones what they say at first; raises
        DistillError for what cannot be.
        """
        pairs = zip(self._table.values(), values, strict=True)
        return {
            field.key: field.read(field.value if field.key in hidden else value)
            for field, value in pairs
        }
