"""the fields of the Generate tab, and which of them a way to make new sounds has."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import gradio as gr

from distill.dashboard.pages.fields import TEXT, Field
from distill.dashboard.pages.typed import read_number, read_whole
from distill.dashboard.pages.widgets import disk_choices
from distill.dashboard.state.new_sounds import AGAIN, MOST_SOUNDS, SOUNDS_NEEDED, WAYS
from distill.errors import LibraryError
from distill.generation.ranges import AMOUNTS, LENGTHS_S, NEW_AMOUNT, TEMPERATURES
from distill.system.given import LARGEST_SEED

ANY = "/"
"""Stands for no class: a class, which is named for a folder, cannot have this name."""
ANY_CLASS = ("any class", ANY)
MADE = tuple(way for way in WAYS if way != AGAIN)
MADE_OF_TWO = tuple(way for way, needed in SOUNDS_NEEDED.items() if needed > 1)
WAYS_OF: dict[str, tuple[str, ...]] = {
    "count": MADE,
    "class_name": ("new", "loop"),
    **dict.fromkeys(("first", "here"), tuple(SOUNDS_NEEDED)),
    **dict.fromkeys(("second", "second_here"), MADE_OF_TWO),
    "length_s": ("new", "continue", "loop"),
    "amount": MADE,
    "temperature": MADE,
}
"""Fields that not every way has, and the ways that have them."""
UPLOAD = {"type": "filepath", "sources": ["upload", "microphone"], "buttons": ["download"]}


def _model_of(file: str | None) -> str:
    if not file:
        raise LibraryError("there is no model yet: train one first")
    return file


def way_choices(ways: Iterable[str]) -> list[tuple[str, str]]:
    """Ways to choose from: what is shown, and their names."""
    return [(WAYS[way], way) for way in ways]


def _slider(low: float, high: float, step: float, **more: Any) -> dict[str, Any]:
    return {"minimum": low, "maximum": high, "step": step, **more}


FIELDS = (
    Field("model", "Model", disk_choices, read=_model_of, more={"elem_id": "model"}),
    Field(
        "way",
        "What",
        gr.Radio,
        value="new",
        more={"choices": way_choices(WAYS), "elem_id": "way"},
    ),
    Field(
        "count",
        "How many",
        gr.Slider,
        value=8,
        read=int,
        more=_slider(1, MOST_SOUNDS, 1, elem_id="count"),
    ),
    Field(
        "class_name",
        "Class",
        disk_choices,
        value=ANY,
        read=lambda name: None if name in (None, "", ANY) else name,
        more={"choices": [ANY_CLASS], "visible": False, "elem_id": "class"},
    ),
    Field(
        "first",
        "Sound to begin with",
        gr.Audio,
        more={**UPLOAD, "visible": False, "elem_id": "first"},
    ),
    Field(
        "here",
        "or one that is here",
        disk_choices,
        more={"visible": False, "elem_id": "here"},
    ),
    Field(
        "second",
        "Second sound",
        gr.Audio,
        more={**UPLOAD, "visible": False, "elem_id": "second"},
    ),
    Field(
        "second_here",
        "or one that is here, as the second",
        disk_choices,
        more={"visible": False},
    ),
    Field(
        "amount",
        "Amount",
        gr.Slider,
        value=NEW_AMOUNT,
        help="How far from known sounds, or from what is given",
        read=float,
        more=_slider(*AMOUNTS, 0.05, elem_id="amount"),
    ),
    Field(
        "seed",
        "Seed",
        TEXT,
        read=partial(read_whole, name="Seed", low=0, high=LARGEST_SEED),
        more={"placeholder": "another one each time"},
    ),
    Field(
        "temperature",
        "Temperature",
        gr.Slider,
        value=1.0,
        help="Other than 1, the prior draws: lower, more usual sounds, higher, wilder ones",
        read=float,
        more=_slider(*TEMPERATURES, 0.05),
    ),
    Field(
        "length_s",
        "Length in seconds",
        TEXT,
        read=partial(read_number, name="Length", low=LENGTHS_S[0], high=LENGTHS_S[1]),
        more={"placeholder": "as those that it knows"},
    ),
)
