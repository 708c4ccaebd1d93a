"""the Generate tab: a model and wishes → new sounds, in rows to play, keep and download."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import gradio as gr

from distill.catalog.entry import Entry
from distill.cli.coding import LARGEST_SOUND_SEED
from distill.dashboard.pages.fields import read_number, read_whole
from distill.dashboard.pages.own import own_choices, own_part
from distill.dashboard.state import new_sounds
from distill.dashboard.state.models import Models, model_choices
from distill.dashboard.state.new_sounds import AGAIN, MOST_SOUNDS, SOUNDS_NEEDED, WAYS, Request
from distill.dashboard.state.places import Places
from distill.dashboard.state.sounds import served_file, sounds_in, source_of
from distill.errors import DistillError, LibraryError
from distill.generation.ranges import AMOUNTS, LENGTHS_S, TEMPERATURES
from distill.listen.folder import FILES
from distill.system.paths import listed
from distill.system.terminal import plain

MOST_CHOICES = 300
ANY = "any"


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
    with gr.Row():
        with gr.Column(scale=2, min_width=320):
            model = own_choices("Model", value=None, elem_id="model")
            way = gr.Radio(_ways(WAYS), value="new", label="What", elem_id="way")
            count = gr.Slider(1, MOST_SOUNDS, value=8, step=1, label="How many", elem_id="count")
            kind = own_choices("Class", [ANY], value=ANY, visible=False, elem_id="class")
            first = gr.Audio(
                label="Sound to begin with",
                type="filepath",
                visible=False,
                sources=["upload", "microphone"],
                buttons=["download"],
                elem_id="first",
            )
            known = own_choices("or one that is here", value=None, visible=False, elem_id="known")
            second = gr.Audio(
                label="Second sound",
                type="filepath",
                visible=False,
                sources=["upload", "microphone"],
                buttons=["download"],
                elem_id="second",
            )
            known_second = own_choices(
                "or one that is here, as the second", value=None, visible=False
            )
            amount = gr.Slider(
                *AMOUNTS,
                value=0.3,
                step=0.05,
                label="How free",
                info="0: near to what it begins with, 1: free of it",
                elem_id="amount",
            )
            make = gr.Button("Generate", variant="primary", elem_id="generate")
            message = own_part("note")
            with gr.Accordion("More", open=False):
                seed = gr.Textbox(
                    label="Seed",
                    placeholder="another one each time",
                    max_lines=1,
                )
                temperature = gr.Slider(
                    *TEMPERATURES,
                    value=1.0,
                    step=0.05,
                    label="Temperature",
                    info="Lower: more usual sounds, higher: wilder ones",
                )
                length = gr.Textbox(
                    label="Length in seconds", placeholder="as those that it knows", max_lines=1
                )
        with gr.Column(scale=3, min_width=320):
            shown = own_part("sounds", events=("vary",))

    def generate(
        file: str | None,
        way: str,
        count: float,
        kind: str,
        first: str | None,
        known: str | None,
        second: str | None,
        known_second: str | None,
        seed: str,
        temperature: float,
        length: str,
        amount: float,
    ) -> dict[str, Any]:
        try:
            if not file:
                raise LibraryError("there is no model yet: train one first")
            entry = models.find(file)
            request = Request(
                way=way,
                count=int(count),
                seed=read_whole(seed, "Seed", 0, LARGEST_SOUND_SEED),
                class_name=None if kind in (None, ANY) else kind,
                temperature=float(temperature),
                length_s=read_number(length, "Length", *LENGTHS_S),
                amount=float(amount),
                sounds=tuple(_sounds(places, (first, known), (second, known_second))),
            )
            folder = new_sounds.start(places, entry, request)
        except DistillError as error:
            return {"text": str(error), "error": True}
        return {"text": "Started, on the right or below.", "call": folder.name}

    quiet: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    fields = [
        model,
        way,
        count,
        kind,
        first,
        known,
        second,
        known_second,
        seed,
        temperature,
        length,
        amount,
    ]
    make.click(generate, fields, message, **quiet)
    by_way = [way, count, kind, first, known, second, known_second, length, amount, temperature]
    gr.on(
        [way.change, model.change],
        lambda way, file: _fields(models, way, file),
        [way, model],
        by_way,
        **quiet,
    )
    return GenerateTab(model, way, shown, [model, first, known, known_second])


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
    sounds = known_sounds(places)
    path = served_file(places, source) if source else None
    if path is None:
        return [
            gr.update(choices=model_choices(entries), value=value),
            gr.skip(),
            gr.update(choices=sounds),
            gr.update(choices=sounds),
        ]
    others = [pair for pair in sounds if pair[1] != source]
    return [
        gr.update(choices=model_choices(entries), value=value),
        None,  # what was uploaded before is not meant
        gr.update(choices=[(label_of(path), source), *others], value=source),
        gr.update(choices=sounds),
    ]


def known_sounds(places: Places) -> list[tuple[str, str]]:
    """Sounds on disk to begin with: kept ones, new ones, and held-out originals of runs."""
    found = islice(_known_sounds(places), MOST_CHOICES)
    return [(label_of(path), source_of(places, path)) for path in found]


def _known_sounds(places: Places) -> Iterator[Path]:
    yield from sounds_in(places.kept)
    for call in listed(places.generated)[::-1]:
        yield from sounds_in(call)
    for run_dir in listed(places.trained)[::-1]:
        yield from (path for path in sounds_in(run_dir / FILES) if "_original." in path.name)


def label_of(path: Path) -> str:
    """The name of a sound, and the folder of the run or call that it is of."""
    folder = path.parent.parent if path.parent.name == FILES else path.parent
    return plain(f"{path.name} ({folder.name})")


def _ways(ways: Iterable[str]) -> list[tuple[str, str]]:
    return [(WAYS[way], way) for way in ways]


def _fields(models: Models, way: str, file: str | None) -> list[Any]:
    """Which ways a model has, and which fields a way has."""
    entry = _entry(models, file)
    can_make = entry is None or entry.prior is not None
    ways = list(WAYS) if can_make else [AGAIN]
    way = way if way in ways else ways[0]
    classes = entry.prior.classes if entry and entry.prior else []
    needed = SOUNDS_NEEDED.get(way, 0)
    is_made = way != AGAIN
    return [
        gr.update(choices=_ways(ways), value=way),
        gr.update(visible=is_made),
        gr.update(
            visible=way in ("new", "loop") and bool(classes), choices=[ANY, *classes], value=ANY
        ),
        gr.update(visible=needed > 0),
        gr.update(visible=needed > 0),
        gr.update(visible=needed > 1),
        gr.update(visible=needed > 1),
        gr.update(visible=way in ("new", "continue", "loop")),
        gr.update(visible=is_made, value=0.5 if way == "like" else 0.3),
        gr.update(visible=is_made),
    ]


def _entry(models: Models, file: str | None) -> Entry | None:
    try:
        return models.find(file) if file else None
    except LibraryError:
        return None


def _sounds(places: Places, *pairs: tuple[str | None, str | None]) -> list[Path]:
    """Of each pair the uploaded sound, or else the one that is here already."""
    found = []
    for uploaded, known in pairs:
        if uploaded:
            found.append(Path(uploaded))
        elif known and (path := served_file(places, known)):
            found.append(path)
    return found
