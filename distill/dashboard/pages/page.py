"""the page: three tabs, and what one of them hands to another."""

from __future__ import annotations

from typing import Any

import gradio as gr

from distill.dashboard.pages.generate_tab import build_generate_tab, refresh
from distill.dashboard.pages.own import own_part
from distill.dashboard.pages.train_tab import build_train_tab
from distill.dashboard.state.models import Models
from distill.dashboard.state.places import Places
from distill.dashboard.state.runs import Runs

TITLE = "distill"
SENTENCE = (
    "A model of your own sounds, in minutes: choose a folder, listen while it learns, and let it "
    "make new ones."
)
FONTS = ["system-ui", "-apple-system", "Segoe UI", "sans-serif"]
MONO = ["ui-monospace", "SFMono-Regular", "Menlo", "monospace"]
DAY_S = 86_400
IDLE_S = 1.0


def theme() -> Any:
    """Plain colours with enough contrast, and the fonts of the system: nothing is fetched."""
    return gr.themes.Base(
        primary_hue="indigo", secondary_hue="indigo", neutral_hue="zinc", font=FONTS, font_mono=MONO
    ).set(
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_400",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover_dark="*primary_700",
        button_primary_text_color="white",
    )


def build_page(places: Places, runs: Runs, models: Models) -> Any:
    """The Gradio blocks of the page."""
    quiet: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(DAY_S, DAY_S)) as page:
        gr.Markdown(f"# {TITLE}\n{SENTENCE}", elem_id="intro")
        with gr.Tabs(selected="train") as tabs:
            with gr.Tab("Train", id="train"):
                run = build_train_tab(runs, page.load)
            with gr.Tab("Library", id="library"):
                library = own_part("library", events=("use", "vary"))
            with gr.Tab("Generate", id="generate") as generate_tab:
                tab = build_generate_tab(places, models)

        def use(event: gr.EventData) -> list[Any]:
            chosen = refresh(places, models, _text(event, "file"))
            return [gr.update(selected="generate"), *chosen, "new"]

        def vary(event: gr.EventData, file: str | None) -> list[Any]:
            file, source = _text(event, "file") or file, _text(event, "source")
            chosen = refresh(places, models, file, source=source)
            return [gr.update(selected="generate"), *chosen, "like"]

        handed = [tabs, *tab.choices, tab.way]
        run.use(use, None, handed, **quiet)
        library.use(use, None, handed, **quiet)
        for part in (run, library, tab.shown):
            part.vary(vary, tab.model, handed, **quiet)
        gr.on(
            [generate_tab.select, page.load],
            lambda file: refresh(places, models, file),
            tab.model,
            tab.choices,
            **quiet,
        )
    # nothing goes through Gradio's queue, which would look for work a thousand times a second
    page._queue.sleep_when_free = IDLE_S
    return page


def _text(event: gr.EventData, key: str) -> str:
    """A text that came with an event from the page; empty without it."""
    value = getattr(event, key, None)
    return value if isinstance(value, str) else ""
