"""the field for a folder of sounds → other ways to fill it in, and a survey of the folder."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from distill.dashboard.pages.widgets import QUIET, disk_choices, drawn_part
from distill.dashboard.state.folders import folders_of
from distill.errors import RunError
from distill.system.paths import is_folder, is_text, list_folder

DEMO = "the demo collection"
REMEMBERED = "folder"
"""The browser keeps the folder under this word, which a later dashboard can read, too."""
UP = (".. (the folder above)", "..")
"""What is shown, and a value that is the name of no folder."""
MOST_FOLDERS = 500


def build_folder_choice(folder: Any, on_load: Callable[..., Any]) -> None:
    """Build what stands below the field `folder`, and connect them. `on_load` is the page's
    event.
    """
    with gr.Row(equal_height=True):
        demo = gr.Button("Try the demo collection", elem_id="demo")
        choose = gr.Button("Choose a folder …", elem_id="choose")
    with gr.Column(visible=False) as chooser:
        here = gr.Textbox(label="Folder", interactive=False, max_lines=1)
        inside = disk_choices("Go to", value=None, elem_id="inside")
        take = gr.Button("Use this folder")
    survey = drawn_part("survey")
    remembered = gr.BrowserState("", storage_key="distill-folder", secret=REMEMBERED)

    folder.change(lambda typed: typed, folder, remembered, **QUIET)
    on_load(lambda typed: typed or gr.skip(), remembered, folder, **QUIET)
    demo.click(lambda: (DEMO, _question(DEMO)), None, [folder, survey], **QUIET)
    folder.blur(_other_question, [folder, survey], survey, **QUIET)
    folder.submit(_question, folder, survey, **QUIET)
    choose.click(_open_chooser, folder, [chooser, here, inside], **QUIET)
    inside.input(_go_to, [here, inside], [here, inside], **QUIET)
    take.click(_take, here, [folder, chooser, survey], **QUIET)


def asked_folder(typed: str | None) -> str | None:
    """What the survey is asked for; empty for the demo collection, None for an empty field."""
    text = (typed or "").strip()
    return "" if text == DEMO else text or None


def _question(typed: str | None) -> dict[str, Any] | None:
    """The folder with the time, which makes each question another one."""
    folder = asked_folder(typed)
    return None if folder is None else {"folder": folder, "asked_s": time.time()}


def _other_question(folder: str, before: Any) -> Any:
    """The same, but nothing for the folder that was asked for already."""
    question = _question(folder)
    is_same = isinstance(before, dict) and question and before.get("folder") == question["folder"]
    return gr.skip() if is_same else question


def _open_chooser(folder: str) -> tuple[Any, Any, Any]:
    try:
        start = Path(folders_of(folder or "")[0])
    except RunError:
        start = Path.home()
    return gr.update(visible=True), *_inside(start)


def _go_to(here: str, chosen: str | None) -> tuple[Any, Any]:
    path = Path(here)
    target = path.parent if chosen == UP[1] else path / (chosen or "")
    return _inside(target if target.is_dir() else path)


def _take(here: str) -> tuple[str, Any, Any]:
    """The folder is chosen: the field says it, the chooser is closed, and it is surveyed."""
    return here, gr.update(visible=False), _question(here)


def _inside(path: Path) -> tuple[Any, Any]:
    """A folder, and the folders in it to choose from."""
    folders = [entry for entry in list_folder(path) if entry.name[0] != "." and is_folder(entry)]
    names = [entry.name for entry in folders if is_text(entry.name)]
    return str(path), gr.update(choices=[UP, *names[:MOST_FOLDERS]], value=None)
