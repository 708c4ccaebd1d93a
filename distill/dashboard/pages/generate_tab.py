"""the Generate tab: a model and a request → new sounds, in rows to play, keep and download."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from distill.catalog.entry import Entry
from distill.dashboard.pages.fields import Form
from distill.dashboard.pages.generate_fields import ANY, ANY_CLASS, FIELDS, WAYS_OF, way_choices
from distill.dashboard.pages.given_sounds import choice_of, given_files, sound_choices
from distill.dashboard.pages.widgets import QUIET, drawn_part
from distill.dashboard.state import new_sounds
from distill.dashboard.state.models import Models, model_choices
from distill.dashboard.state.new_sounds import AGAIN, WAYS, SoundsRequest
from distill.dashboard.state.places import Places
from distill.dashboard.state.sounds import served_file
from distill.errors import DistillError, LibraryError
from distill.generation.ranges import LIKE_AMOUNT, NEW_AMOUNT


@dataclass(frozen=True)
class GenerateTab:
    """The fields that other tabs fill in."""

    model: Any
    way: Any
    shown: Any
    choices: list[Any]
    """What `refresh` has values for."""


def build_generate_tab(places: Places, models: Models) -> GenerateTab:
    """Build the tab."""
    form = Form(FIELDS)
    with gr.Row():
        with gr.Column(scale=2, min_width=320):
            form.build("model", "way", "count", "class_name")
            form.build("first", "here", "second", "second_here", "amount")
            make = gr.Button("Generate", variant="primary", elem_id="generate")
            message = drawn_part("note")
            with gr.Accordion("More", open=False):
                form.build("seed", "temperature", "length_s")
        with gr.Column(scale=3, min_width=320):
            shown = drawn_part("sounds", events=("vary",))
    make.click(lambda *values: _start(places, models, form, values), form.parts, message, **QUIET)
    gr.on(
        [form["way"].change, form["model"].change],
        lambda way, file: _updates(models, way, file),
        [form["way"], form["model"]],
        [form[key] for key in ("way", *WAYS_OF)],
        **QUIET,
    )
    choices = [form[key] for key in ("model", "first", "here", "second_here")]
    return GenerateTab(form["model"], form["way"], shown, choices)


def refresh(
    places: Places, models: Models, file: str | None, *, source: str | None = None
) -> list[Any]:
    """The model, an uploaded sound, and the sounds to choose from, as they are now: the model that
    is chosen, or else the newest that makes new sounds; `source` is the sound to begin with.
    """
    try:
        entries = models.entries()
    except LibraryError:
        entries = []
    makers = [entry.file for entry in entries if entry.prior]
    files = [entry.file for entry in entries]
    value = file if file in files else next(iter([*makers, *files]), None)
    model = gr.update(choices=model_choices(entries), value=value)
    sounds = sound_choices(places)
    path = served_file(places, source) if source else None
    if path is None:
        return [model, gr.skip(), gr.update(choices=sounds), gr.update(choices=sounds)]
    given = [choice_of(places, path), *(pair for pair in sounds if pair[1] != source)]
    uploaded = None  # what was uploaded before is not meant
    return [model, uploaded, gr.update(choices=given, value=source), gr.update(choices=sounds)]


def _start(places: Places, models: Models, form: Form, values: Sequence[Any]) -> dict[str, Any]:
    """Begin to make the sounds, and return what is to be said."""
    try:
        asked = form.read(values)
        entry = models.find(asked.pop("model"))
        keys = (("first", "here"), ("second", "second_here"))
        given = [(asked.pop(uploaded), asked.pop(here)) for uploaded, here in keys]
        request = SoundsRequest(**asked, sounds=tuple(given_files(places, given)))
        folder = new_sounds.start(places, entry, request)
    except DistillError as error:
        return {"text": str(error), "error": True}
    return {"text": "Started, on the right or below.", "call": folder.name}


def _updates(models: Models, way: str, file: str | None) -> list[Any]:
    """Which ways a model has, and which fields a way has."""
    entry = _entry(models, file)
    ways = list(WAYS) if entry is None or entry.prior is not None else [AGAIN]
    way = way if way in ways else ways[0]
    updates: dict[str, dict[str, Any]] = {
        "way": {"choices": way_choices(ways), "value": way},
        **{key: {"visible": way in shown} for key, shown in WAYS_OF.items()},
    }
    classes = entry.prior.classes if entry and entry.prior else []
    updates["class_name"] |= {
        "choices": [ANY_CLASS, *((name, name) for name in classes)],
        "value": ANY,
    }
    updates["class_name"]["visible"] &= bool(classes)
    updates["amount"]["value"] = LIKE_AMOUNT if way == "like" else NEW_AMOUNT
    return [gr.update(**update) for update in updates.values()]


def _entry(models: Models, file: str | None) -> Entry | None:
    try:
        return models.find(file) if file else None
    except LibraryError:
        return None
