"""the Train tab: a folder and a few settings → a run of its own; and how the runs are."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from distill.dashboard.pages.fields import read_number, read_whole
from distill.dashboard.pages.own import own_choices, own_part
from distill.dashboard.state.runs import Runs, Wish
from distill.errors import DistillError
from distill.system.paths import is_folder, is_text, listed, path_of

DEMO = "the demo collection"
REMEMBERED = "folder"
"""The browser keeps the folder under this word, which a later dashboard can read, too."""
UP = ".. (the folder above)"
STAGES = [
    ("Codec (learns the sounds)", "codec"),
    ("Vocoder (a clearer voice)", "vocoder"),
    ("Prior (makes new sounds)", "prior"),
]
MOST_FOLDERS = 500
MOST_EPOCHS, MOST_MINUTES = 1_000_000, 100_000.0


def build_train_tab(runs: Runs, on_load: Callable[..., Any]) -> Any:
    """Build the tab, and return the part that shows the runs. `on_load` is the page's event."""
    with gr.Row():
        with gr.Column(scale=2, min_width=320):
            folder = gr.Textbox(
                label="Folder of sounds",
                placeholder="/home/me/sounds",
                elem_id="folder",
                max_lines=1,
            )
            with gr.Row(equal_height=True):
                demo = gr.Button("Try the demo collection", elem_id="demo")
                choose = gr.Button("Choose a folder …", elem_id="choose")
            with gr.Column(visible=False) as chooser:
                here = gr.Textbox(label="Folder", interactive=False, max_lines=1)
                inside = own_choices("Go to", value=None, elem_id="inside")
                take = gr.Button("Use this folder")
            survey = own_part("survey")
            start = gr.Button("Start", variant="primary", elem_id="start")
            message = own_part("message")
            levels = gr.Slider(
                2,
                4,
                value=3,
                step=1,
                label="Levels",
                elem_id="levels",
                info="Fewer levels = faster, more levels = finer detail",
            )
            commitment = gr.Slider(
                0.05,
                1.0,
                value=0.25,
                step=0.05,
                label="Commitment weight",
                info="How strongly the encoder is held to its codes",
            )
            with gr.Accordion("More", open=False, elem_id="more"):
                name = gr.Textbox(
                    label="Name of the model", placeholder="from folder and time", max_lines=1
                )
                minutes = gr.Textbox(
                    label="Minutes for each stage",
                    placeholder="the codec by the size of the collection, then 3 and 3",
                    max_lines=1,
                )
                epochs = gr.Textbox(
                    label="Epochs of the codec",
                    placeholder="by the size of the collection",
                    max_lines=1,
                )
                rate = gr.Textbox(
                    label="Learning rate", placeholder="chosen by the run", max_lines=1
                )
                stages = gr.CheckboxGroup(
                    STAGES,
                    value=[value for _, value in STAGES],
                    label="Stages",
                    info="The codec first; the others make its sound better, and new sounds",
                )
        with gr.Column(scale=3, min_width=320):
            shown = own_part("run", events=("use", "vary"))

    def begin(
        folder: str,
        levels: float,
        commitment: float,
        name: str,
        minutes: str,
        epochs: str,
        rate: str,
        stages: list[str],
    ) -> dict[str, Any]:
        try:
            wish = _wish(folder, levels, commitment, name, minutes, epochs, rate, stages)
            run = runs.start(wish)
        except DistillError as error:
            return {"text": str(error), "error": True}
        without = "" if "prior" in wish.stages else " Without a prior, it will make no new sounds."
        return {"text": f"Started. It goes on when this page is closed.{without}", "run": run}

    remembered = gr.BrowserState("", storage_key="distill-folder", secret=REMEMBERED)
    quiet: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    start.click(
        begin, [folder, levels, commitment, name, minutes, epochs, rate, stages], message, **quiet
    )
    folder.change(lambda typed: typed, folder, remembered, **quiet)
    on_load(lambda typed: typed or gr.skip(), remembered, folder, **quiet)
    demo.click(lambda: (DEMO, _survey_of(DEMO)), None, [folder, survey], **quiet)
    folder.blur(_survey_of_another, [folder, survey], survey, **quiet)
    folder.submit(_survey_of, folder, survey, **quiet)
    choose.click(_open_chooser, folder, [chooser, here, inside], **quiet)
    inside.input(_go_to, [here, inside], [here, inside], **quiet)
    take.click(
        lambda path: (path, gr.update(visible=False), _survey_of(path)),
        here,
        [folder, chooser, survey],
        **quiet,
    )
    return shown


def _wish(
    folder: str,
    levels: float,
    commitment: float,
    name: str,
    minutes: str,
    epochs: str,
    rate: str,
    stages: list[str],
) -> Wish:
    """What the fields say; raises DistillError for what cannot be."""
    typed = (folder or "").strip()
    if not typed:
        raise DistillError("type the folder of your sounds above, or try the demo collection")
    chosen = [stage for _, stage in STAGES if stage in (stages or [])]
    if "codec" not in chosen:
        raise DistillError("stages: a new run begins with the codec")
    return Wish(
        folder="" if typed == DEMO else typed,
        levels=round(levels),
        commitment_weight=round(float(commitment), 4),
        epochs=read_whole(epochs, "Epochs", 1, MOST_EPOCHS),
        minutes=read_number(minutes, "Minutes", 0.01, MOST_MINUTES),
        learning_rate=read_number(rate, "Learning rate", 1e-7, 1.0),
        stages=tuple(chosen),
        name=name or "",
    )


def _survey_of(folder: str) -> dict[str, Any] | None:
    """What the survey is asked; the time makes each question another one."""
    typed = (folder or "").strip()
    wanted = "" if typed == DEMO else typed
    return {"folder": wanted, "asked_s": time.time()} if typed else None


def _survey_of_another(folder: str, before: Any) -> Any:
    """The same, but nothing for the folder that was asked for already."""
    wanted = _survey_of(folder)
    is_same = isinstance(before, dict) and wanted and before.get("folder") == wanted["folder"]
    return gr.skip() if is_same else wanted


def _open_chooser(folder: str) -> tuple[Any, Any, Any]:
    start = path_of(folder.strip()) if folder and is_folder(folder.strip()) else Path.home()
    return gr.update(visible=True), *_go(start.absolute())


def _go_to(here: str, chosen: str | None) -> tuple[Any, Any]:
    path = Path(here)
    target = path.parent if chosen == UP else path / (chosen or "")
    return _go(target if target.is_dir() else path)


def _go(path: Path) -> tuple[Any, Any]:
    inside = [entry for entry in listed(path) if entry.name[0] != "." and is_folder(entry)]
    names = [entry.name for entry in inside if is_text(entry.name)]
    return str(path), gr.update(choices=[UP, *names[:MOST_FOLDERS]], value=None)
