"""the Generate tab: a model and a request → new sounds, in rows to play, keep and download."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from distill.catalog.entry import Entry
from distill.dashboard.pages.fields import Form
from distill.dashboard.pages.generate_fields import (
    ANY,
    FIELDS,
    USUAL,
    WAYS_OF,
    any_class,
    is_shown,
    rate_choices,
    way_choices,
)
from distill.dashboard.pages.given_sounds import choice_of, given_sounds, heard, sound_choices
from distill.dashboard.pages.widgets import QUIET, UNCHECKED, drawn_part, mistake
from distill.dashboard.state import new_sounds
from distill.dashboard.state.known_sounds import SOURCE, KnownSounds
from distill.dashboard.state.models import Models, model_choices
from distill.dashboard.state.sounds import served_file
from distill.dashboard.state.sounds_request import AGAIN, WAYS, SoundsRequest, limits_of, ways_of
from distill.errors import DistillError
from distill.generation.ranges import LIKE_AMOUNT, MORPH_AMOUNT, NEW_AMOUNT


@dataclass(frozen=True)
class GenerateTab:
    """The fields that other tabs fill in."""

    model: Any
    way: Any
    shown: Any
    refreshed: list[Any]
    """What `refresh` has values for."""


def build_generate_tab(models: Models, known: KnownSounds) -> GenerateTab:
    """Build the tab."""
    form = Form(FIELDS)
    with gr.Row():
        with gr.Column(scale=2, min_width=320, elem_classes="form-side"):
            form.build("model", "way", "count", "per_class", "robins", "layers", "class_name")
            form.build("bpm", "bars")
            form.build("first", "here")
            players = [drawn_part("heard", name="heard")]
            form.build("second", "second_here")
            players.append(drawn_part("heard", name="second-heard"))
            form.build("amount")
            make = gr.Button("Generate", variant="primary", elem_id="generate")
            message = drawn_part("note")
            with gr.Accordion("More", open=False):
                form.build("seed", "temperature", "length_s", "rate_hz", "bits", "normalise")
        with gr.Column(scale=3, min_width=320):
            shown = drawn_part("sounds", events=("vary", "models"))
    make.click(lambda *values: _start(models, known, form, values), form.parts, message, **QUIET)
    gr.on(
        [form["way"].change, form["model"].change],
        partial(_updates, models),
        [form[key] for key in ("way", "model", "class_name", "bpm", "rate_hz")],
        [form[key] for key in ("way", *WAYS_OF)],
        **UNCHECKED,
    )
    form["bpm"].change(
        lambda way, bpm: gr.update(visible=is_shown("length_s", way, bpm)),
        [form["way"], form["bpm"]],
        form["length_s"],
        **UNCHECKED,
    )
    form["model"].change(
        partial(_known_choices, models, known),
        [form["model"], form["here"], form["second_here"]],
        [form["here"], form["second_here"]],
        **UNCHECKED,
    )
    for key, player in zip(("here", "second_here"), players, strict=True):
        gr.on(
            [form[key].change, form["way"].change],
            partial(_heard, known, WAYS_OF[key]),
            [form["way"], form["model"], form[key]],
            player,
            **UNCHECKED,
        )
    refreshed = [form[key] for key in ("model", "way", "first", "here", "second_here")]
    return GenerateTab(form["model"], form["way"], shown, [*refreshed, make])


def refresh(
    models: Models,
    known: KnownSounds,
    file: str | None,
    now: str | None,
    *,
    way: str | None = None,
    source: str | None = None,
) -> list[Any]:
    """The model, the way, an uploaded sound, the sounds to choose from and the button, as they can
    be: the model that is chosen, or else the newest that makes new sounds; the way that is chosen
    `now`, or the `way` that is asked for; `source` is the sound to begin with, for which it is a
    model that makes new sounds, if there is one.
    """
    entries = models.usable()
    makers = [entry for entry in entries if entry.prior]
    possible = makers if source and makers else entries
    chosen = [entry for entry in possible if entry.file == file]
    entry = next(iter([*chosen, *makers, *entries]), None)
    model = _choose(
        model_choices(entries), entry.file if entry else None, now=None if way else file
    )
    make = gr.update(
        interactive=entry is not None,
        value="Generate" if entry else "Train a model first",
    )
    places = known.places
    sounds = [*sound_choices(places), *known.choices(entry, wait=False)]
    first, here, second = gr.skip(), gr.update(choices=sounds), gr.update(choices=sounds)
    if source and (path := served_file(places, source)):
        first = None  # what was uploaded before is not meant
        given = [choice_of(places, path), *(pair for pair in sounds if pair[1] != source)]
        here = gr.update(choices=given, value=source)
    return [model, _choose_way(entry, way or now, now=now), first, here, second, make]


def _start(models: Models, known: KnownSounds, form: Form, values: Sequence[Any]) -> dict[str, Any]:
    """Begin to make the sounds, and return what is to be said."""
    try:
        said = form.said(values)
        hidden = [key for key in WAYS_OF if not is_shown(key, said["way"], said["bpm"])]
        asked = form.read(values, hidden=hidden)
        entry = models.find(asked.pop("model"))
        keys = (("first", "here"), ("second", "second_here"))
        given = [(asked.pop(uploaded), asked.pop(here)) for uploaded, here in keys]
        begun_with = given_sounds(known, entry, given, as_files=asked["way"] == AGAIN)
        request = SoundsRequest(**asked, sounds=tuple(begun_with))
        folder = new_sounds.start(known.places, entry, request)
    except DistillError as error:
        return mistake(error)
    return {"text": "Started, on the right or below.", "call": folder.name}


def _known_choices(
    models: Models, known: KnownSounds, file: str | None, *now: str | None
) -> list[Any]:
    """The sounds to choose from with a model; what another model knows is chosen no more."""
    entry = next((each for each in models.usable() if each.file == file), None)
    of_model = known.choices(entry, wait=True)
    update = dict(gr.update(choices=[*sound_choices(known.places), *of_model]))
    own = {source for _, source in of_model}
    lost = [bool(source and SOURCE.fullmatch(source) and source not in own) for source in now]
    return [{**update, "value": None} if each else update for each in lost]


def _heard(
    known: KnownSounds, ways: Sequence[str], way: str, file: str | None, source: str | None
) -> dict[str, str] | None:
    """What is heard of a choice that only these ways have."""
    return heard(known, file, source) if way in ways else None


def _updates(
    models: Models,
    way: str,
    file: str | None,
    kind: str | None,
    bpm: str | None,
    rate_hz: int | None,
) -> list[Any]:
    """Which ways a model has, and which fields a way has; a class or a sample rate that it has
    stays chosen.
    """
    entry = next((each for each in models.usable() if each.file == file), None)
    chosen = _choose_way(entry, way, now=way)
    way = chosen.get("value", way)
    updates: dict[str, dict[str, Any]] = {
        key: {"visible": is_shown(key, way, bpm)} for key in WAYS_OF
    }
    classes = entry.prior.classes if entry and entry.prior else []
    updates["class_name"] |= {
        "choices": [any_class(way), *((name, name) for name in classes)],
        "value": kind if kind in classes else ANY,
    }
    updates["class_name"]["visible"] &= bool(classes)
    amounts = {"like": LIKE_AMOUNT, "morph": MORPH_AMOUNT}
    updates["amount"]["value"] = amounts.get(way or "", NEW_AMOUNT)
    rates = rate_choices(way)
    kept_hz = rate_hz if any(rate == rate_hz for _, rate in rates) else USUAL
    updates["rate_hz"] |= _choose(rates, kept_hz, now=rate_hz)
    return [chosen, *(gr.update(**update) for update in updates.values())]


def _choose_way(entry: Entry | None, wanted: str | None, *, now: str | None) -> dict[str, Any]:
    """The ways that a model has, and why not all, and of them the wanted one, or else the first.
    Gradio knows the choices that it was given last, and refuses every other value.
    """
    ways = ways_of(entry) if entry else list(WAYS)
    limits = limits_of(entry) if entry else ""
    chosen = _choose(way_choices(ways), wanted if wanted in ways else ways[0], now=now)
    return {**chosen, "info": limits}


def _choose(choices: Sequence[tuple[str, Any]], value: Any, *, now: Any) -> dict[str, Any]:
    """Choices, and the value if it is another one: what is clicked on meanwhile stays."""
    update = dict(gr.update(choices=choices))
    return update if value == now else {**update, "value": value}
