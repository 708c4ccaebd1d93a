"""the fields of the Train tab, and how what they say is read."""

from __future__ import annotations

from functools import partial

import gradio as gr

from distill.dashboard.pages.fields import TEXT, Field
from distill.dashboard.pages.folder_choice import DEMO
from distill.dashboard.pages.typed import read_name, read_number, read_whole
from distill.errors import DistillError

STAGES = {
    "codec": "Codec (learns the sounds)",
    "vocoder": "Vocoder (a clearer voice)",
    "prior": "Prior (makes new sounds)",
}
MOST_EPOCHS, MOST_MINUTES = 1_000_000, 100_000.0


def _folder_of(typed: str | None) -> str:
    text = (typed or "").strip()
    if not text:
        raise DistillError("type the folder of your sounds above, or try the demo collection")
    return "" if text == DEMO else text


def _stages_of(chosen: list[str] | None) -> tuple[str, ...]:
    stages = tuple(stage for stage in STAGES if stage in (chosen or []))
    if "codec" not in stages:
        raise DistillError("stages: a new run begins with the codec")
    return stages


FIELDS = (
    Field(
        "folder",
        "Folder of sounds",
        TEXT,
        read=_folder_of,
        more={"placeholder": "/home/me/sounds", "elem_id": "folder"},
    ),
    Field(
        "minutes",
        "Minutes in all",
        TEXT,
        help="For the whole run, from Start to the model; empty: the collection says how many",
        read=partial(read_number, name="Minutes", low=0.01, high=MOST_MINUTES),
        more={"placeholder": "from the collection", "elem_id": "minutes"},
    ),
    Field(
        "levels",
        "Levels",
        gr.Slider,
        value=3,
        help="Fewer levels = faster, more levels = finer detail",
        read=round,
        more={"minimum": 2, "maximum": 4, "step": 1, "elem_id": "levels"},
    ),
    Field(
        "commitment_weight",
        "Commitment weight",
        gr.Slider,
        value=0.25,
        help="How strongly the encoder is held to its codes",
        read=lambda value: round(float(value), 4),
        more={"minimum": 0.05, "maximum": 1.0, "step": 0.05},
    ),
    Field(
        "name",
        "Name of the model",
        TEXT,
        read=read_name,
        more={"placeholder": "from folder and time"},
    ),
    Field(
        "epochs",
        "Epochs of the codec",
        TEXT,
        read=partial(read_whole, name="Epochs", low=1, high=MOST_EPOCHS),
        more={"placeholder": "by the size of the collection"},
    ),
    Field(
        "learning_rate",
        "Learning rate",
        TEXT,
        read=partial(read_number, name="Learning rate", low=1e-7, high=1.0),
        more={"placeholder": "chosen by the run"},
    ),
    Field(
        "stages",
        "Stages",
        gr.CheckboxGroup,
        value=list(STAGES),
        help="The codec first; the others make its sound better, and new sounds",
        read=_stages_of,
        more={"choices": [(label, stage) for stage, label in STAGES.items()]},
    ),
)
