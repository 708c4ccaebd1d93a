"""what tabs have beside Gradio's own: parts that a script draws, lists of what is on disk."""

from __future__ import annotations

import time
from typing import Any

import gradio as gr

QUIET: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
"""How each event of the page is handled: at once, unseen, and for the page alone."""

UNCHECKED = {**QUIET, "preprocess": False}
"""The same for functions that look themselves at what they are given: it may be a choice that is
no longer one.
"""


def drawn_part(
    kind: str, value: Any = None, *, events: tuple[str, ...] = (), name: str = "", **more: Any
) -> Any:
    """A part that the page's script draws into an empty element, from values: no text of theirs is
    HTML. `events` are those that it triggers, `name` tells it
    from others of its kind.
    """
    named = " ".join(f"'{event}'" for event in events)  # Gradio looks for them in the script
    mount = f"window.distill.mount('{kind}', element, {{trigger, props, watch}});"
    return gr.HTML(
        value=value,
        html_template=f'<div class="own {kind}"></div>',
        js_on_load=f"{mount} // {named}",
        apply_default_css=False,
        elem_id=f"own-{name or kind}",
        **more,
    )


def mistake(error: Exception, **more: Any) -> dict[str, Any]:
    """What a part for messages is told; the time makes each another one, of the same words too."""
    return {"text": str(error), "error": True, "at_s": time.time(), **more}


def disk_choices(label: str, choices: Any = (), **more: Any) -> Any:
    """A list of what is on disk, of which the functions check what was chosen.

    Gradio would check it too, but forgets the choices when the dashboard is started again, and then
    refuses what an open page sends.
    """
    return gr.Dropdown(label=label, choices=list(choices), allow_custom_value=True, **more)
