"""the fields of the Generate tab, and which of them a way to make new sounds has."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import gradio as gr

from distill.audio.delivery import BITS, NORMAL_PEAK_DBFS, RATES_HZ
from distill.dashboard.pages.fields import TEXT, Field
from distill.dashboard.pages.typed import read_number, read_whole
from distill.dashboard.pages.widgets import disk_choices
from distill.dashboard.state.new_sounds import MOST_SOUNDS
from distill.dashboard.state.sounds_request import AGAIN, KIT, SOUNDS_NEEDED, WAYS
from distill.errors import LibraryError
from distill.generation.ranges import (
    AMOUNTS,
    BEATS,
    BEATS_IN_BAR,
    KIT_RATES_HZ,
    LENGTHS_S,
    NEW_AMOUNT,
    TEMPERATURES,
    TEMPOS_BPM,
    USUAL_BEATS,
)
from distill.system.given import LARGEST_SEED

ANY = "/"
"""Stands for no class: a class, which is named for a folder, cannot have this name."""
ANY_CLASS = ("any class", ANY)
MADE = tuple(way for way in WAYS if way != AGAIN)
BY_GENERATE = tuple(way for way in MADE if way != KIT)
MADE_OF_TWO = tuple(way for way, needed in SOUNDS_NEEDED.items() if needed > 1)
WAYS_OF: dict[str, tuple[str, ...]] = {
    "count": BY_GENERATE,
    **dict.fromkeys(("per_class", "robins", "layers"), (KIT,)),
    "class_name": ("new", "loop", KIT),
    **dict.fromkeys(("bpm", "bars"), ("loop",)),
    **dict.fromkeys(("first", "here"), tuple(SOUNDS_NEEDED)),
    **dict.fromkeys(("second", "second_here"), MADE_OF_TWO),
    "length_s": ("new", "continue", "loop"),
    "amount": MADE,
    "temperature": BY_GENERATE,
    **dict.fromkeys(("rate_hz", "bits"), MADE),
    "normalise": BY_GENERATE,
}
"""Fields that not every way has, and the ways that have them."""
USUAL = 0
"""Stands for the rate and the bits that the command has without any."""
MOST_OF_CLASS, MOST_TURNS, MOST_SOFT = 16, 4, 3
"""Of a kit on the page, which has less room than the command has."""
UPLOAD = {"type": "filepath", "sources": ["upload", "microphone"], "buttons": ["download"]}


def _model_of(file: str | None) -> str:
    if not file:
        raise LibraryError("there is no model yet: train one first")
    return file


def way_choices(ways: Iterable[str]) -> list[tuple[str, str]]:
    """Ways to choose from: what is shown, and their names."""
    return [(WAYS[way], way) for way in ways]


def any_class(way: str | None) -> tuple[str, str]:
    """The choice of no class: a kit has all of them."""
    return ("all classes", ANY) if way == KIT else ANY_CLASS


def rate_choices(way: str | None) -> list[tuple[str, int]]:
    """Sample rates of files to choose from; a kit has one of its own where none is chosen."""
    rates = KIT_RATES_HZ[1:] if way == KIT else RATES_HZ
    usual = f"{KIT_RATES_HZ[0] / 1_000:g} kHz" if way == KIT else "the model's"
    return [(usual, USUAL), *((f"{rate / 1_000:g} kHz", rate) for rate in rates)]


def is_shown(key: str, way: str | None, bpm: str | None) -> bool:
    """Whether a way has a field, by the tempo that is typed: it says how long a loop is."""
    has_length = key != "length_s" or way != "loop" or not (bpm or "").strip()
    return way in WAYS_OF.get(key, (way,)) and has_length


def _chosen(value: int | None) -> int | None:
    return value or None


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
        "per_class",
        "Sounds of each class",
        gr.Slider,
        value=4,
        read=int,
        more=_slider(1, MOST_OF_CLASS, 1, visible=False),
    ),
    Field(
        "robins",
        "Round robins",
        gr.Slider,
        value=1,
        help="Takes of each sound, which a sampler plays in turn",
        read=int,
        more=_slider(1, MOST_TURNS, 1, visible=False),
    ),
    Field(
        "layers",
        "Velocity layers",
        gr.Slider,
        value=1,
        help="Softer strokes are softer and darker",
        read=int,
        more=_slider(1, MOST_SOFT, 1, visible=False),
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
        "bpm",
        "Tempo in beats a minute",
        TEXT,
        read=partial(read_number, name="Tempo", low=TEMPOS_BPM[0], high=TEMPOS_BPM[1]),
        more={"placeholder": "none: loops of any length", "visible": False},
    ),
    Field(
        "bars",
        "Bars",
        TEXT,
        help=f"Of {BEATS_IN_BAR} beats, in a tempo",
        read=partial(read_whole, name="Bars", low=1, high=BEATS[1] // BEATS_IN_BAR),
        more={"placeholder": str(USUAL_BEATS // BEATS_IN_BAR), "visible": False},
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
    Field(
        "rate_hz",
        "Sample rate",
        gr.Radio,
        value=USUAL,
        read=_chosen,
        more={"choices": rate_choices(None)},
    ),
    Field(
        "bits",
        "Bits of a sample",
        gr.Radio,
        value=USUAL,
        read=_chosen,
        more={"choices": [(str(BITS[1]), USUAL), (str(BITS[0]), BITS[0])]},
    ),
    Field(
        "normalise",
        "Normalise",
        gr.Checkbox,
        value=False,
        help=f"Each sound has a peak of {NORMAL_PEAK_DBFS:g} dBFS, rather than its own level",
        read=bool,
    ),
)
