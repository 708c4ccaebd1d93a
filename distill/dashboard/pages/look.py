"""how the page looks and what its head needs: theme, style and scripts; nothing is fetched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from distill.listen.page import ROW_SCRIPTS

STATIC = Path(__file__).parents[1] / "static"
SCRIPTS = (
    "elements.js",
    "sounds.js",
    "welcome.js",
    "chart.js",
    "run.js",
    "handing.js",
    "library.js",
    "parts.js",
)
FONTS = ["system-ui", "-apple-system", "Segoe UI", "sans-serif"]
MONO = ["ui-monospace", "SFMono-Regular", "Menlo", "monospace"]


def head() -> str:
    """What the page's head needs: what plays rows of sounds, as on pages to listen, and its own
    scripts.
    """
    scripts = [*ROW_SCRIPTS, *(STATIC / name for name in SCRIPTS)]
    code = "\n".join(path.read_text(encoding="utf-8") for path in scripts)
    return (
        f'<script>(() => {{\n{code}\n}})();</script><meta name="color-scheme" content="light dark">'
    )


def style() -> str:
    """The page's own style."""
    return (STATIC / "dashboard.css").read_text(encoding="utf-8")


def theme() -> Any:
    """Plain colours with enough contrast, and the fonts of the system."""
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
