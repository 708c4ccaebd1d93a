"""the page: three tabs, and what one of them hands to another."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr

from distill.dashboard.pages.generate_tab import build_generate_tab, refresh
from distill.dashboard.pages.train_tab import build_train_tab
from distill.dashboard.pages.widgets import UNCHECKED, drawn_part
from distill.dashboard.state.known_sounds import KnownSounds
from distill.dashboard.state.models import Models
from distill.dashboard.state.runs import Runs

TITLE = "distill"
SENTENCE = (
    "A model of your own sounds, in minutes: choose a folder, listen while it learns, and let it "
    "make new ones."
)
DAY_S = 86_400
IDLE_S = 1.0


def build_page(runs: Runs, models: Models, known: KnownSounds) -> Any:
    """The Gradio blocks of the page."""
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(DAY_S, DAY_S)) as page:
        gr.Markdown(f"# {TITLE}\n{SENTENCE}", elem_id="intro")
        with gr.Tabs(selected="train") as tabs:
            with gr.Tab("Train", id="train"):
                run = build_train_tab(runs, page.load)
            with gr.Tab("Library", id="library"):
                library = drawn_part("library", events=("use", "vary"))
            with gr.Tab("Generate", id="generate") as generate_tab:
                tab = build_generate_tab(models, known)

        def use(event: gr.EventData) -> list[Any]:
            chosen = refresh(models, known, _text(event, "file"), None, way="new")
            return [gr.update(selected="generate"), *chosen]

        def vary(event: gr.EventData, file: str | None) -> list[Any]:
            file, source = _text(event, "file") or file, _text(event, "source")
            chosen = refresh(models, known, file, None, way="like", source=source)
            return [gr.update(selected="generate"), *chosen]

        handed = [tabs, *tab.refreshed]
        run.use(use, None, handed, **UNCHECKED)
        library.use(use, None, handed, **UNCHECKED)
        for part in (run, library, tab.shown):
            part.vary(vary, tab.model, handed, **UNCHECKED)
        now = partial(refresh, models, known)
        for looked_at in (generate_tab.select, page.load, tab.shown.models):
            looked_at(now, [tab.model, tab.way], tab.refreshed, **UNCHECKED)
    # nothing goes through Gradio's queue, which would look for work a thousand times a second
    page._queue.sleep_when_free = IDLE_S
    return page


def _text(event: gr.EventData, key: str) -> str:
    """A text that came with an event from the page; empty without it."""
    value = getattr(event, key, None)
    return value if isinstance(value, str) else ""
