"""parts of the page that are drawn by its own script, from values: no text of theirs is HTML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

STATIC = Path(__file__).parents[1] / "static"
SCRIPTS = ("elements.js", "sounds.js", "chart.js", "run.js", "library.js", "parts.js")


def own_part(kind: str, value: Any = None, *, events: tuple[str, ...] = ()) -> Any:
    """A part that the script draws into an empty element; `events` are those that it triggers."""
    named = " ".join(f"'{event}'" for event in events)  # Gradio looks for them in the script
    mount = f"window.distill.mount('{kind}', element, {{trigger, props, watch}});"
    return gr.HTML(
        value=value,
        html_template=f'<div class="own {kind}"></div>',
        js_on_load=f"{mount} // {named}",
        apply_default_css=False,
        elem_id=f"own-{kind}",
    )


def own_choices(label: str, choices: Any = (), **more: Any) -> Any:
    """A list of what is on disk, of which the functions check what was chosen.

    Gradio would check it too, but forgets the choices when the dashboard is started again, and then
    refuses what an open page sends.
    """
    return gr.Dropdown(label=label, choices=list(choices), allow_custom_value=True, **more)


def head() -> str:
    """What the page's head needs: the player that pages to listen have, and the own scripts."""
    from distill.listen.page import ROW_SCRIPTS

    scripts = [*ROW_SCRIPTS, *((STATIC / name) for name in SCRIPTS)]
    code = "\n".join(path.read_text(encoding="utf-8") for path in scripts)
    return (
        f'<script>(() => {{\n{code}\n}})();</script><meta name="color-scheme" content="light dark">'
    )


def style() -> str:
    """The page's own style."""
    return (STATIC / "dashboard.css").read_text(encoding="utf-8")
