"""the Train tab: a folder and a few settings → a run of its own; and how the runs are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from distill.dashboard.pages.fields import Form
from distill.dashboard.pages.folder_choice import asked_folder, build_folder_choice
from distill.dashboard.pages.train_fields import FIELDS
from distill.dashboard.pages.widgets import QUIET, drawn_part, mistake
from distill.dashboard.state.runs import RunRequest, Runs
from distill.errors import DistillError


def build_train_tab(runs: Runs, on_load: Callable[..., Any]) -> Any:
    """Build the tab, and return the part that shows the runs. `on_load` is the page's event."""
    form = Form(FIELDS)
    with gr.Row():
        with gr.Column(scale=2, min_width=320, elem_classes="form-side"):
            form.build("folder")
            build_folder_choice(form["folder"], on_load)
            form.build("minutes")
            start = gr.Button("Start", variant="primary", elem_id="start")
            message = drawn_part("message")
            with gr.Accordion("More", open=False, elem_id="more"):
                form.build("levels", "commitment_weight", "name", "epochs", "learning_rate")
                form.build("stages")
        with gr.Column(scale=3, min_width=320):
            shown = drawn_part("run", events=("use", "vary"))
    start.click(lambda *values: _start(runs, form, values), form.parts, message, **QUIET)
    return shown


def _start(runs: Runs, form: Form, values: Sequence[Any]) -> dict[str, Any]:
    """Begin a run, and return what is to be said."""
    try:
        request = RunRequest(**form.read(values))
        run = runs.start(request)
    except DistillError as error:
        return mistake(error, folder=asked_folder(values[0]))
    without = "" if "prior" in request.stages else " Without a prior, it will make no new sounds."
    return {"text": f"Started. It goes on when this page is closed.{without}", "run": run}
