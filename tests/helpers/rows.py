"""Rows of a run as hypothesis draws them, and the lines that a run would write of them."""

from __future__ import annotations

import json
import math
from typing import Any

from hypothesis import strategies as st

from distill.runs.rows import (
    ChoiceRow,
    EndRow,
    EpochRow,
    ListenRow,
    PlanRow,
    Row,
    SoundsRow,
    StageRow,
    StartRow,
    StepRow,
    plain_values,
)
from distill.runs.summary import StageSummary
from distill.system.json_values import without_nan

TEXT = st.text(st.characters(), max_size=9)
"""Halves of surrogates are among them: a name need not be Unicode."""
COUNT, SECONDS = st.integers(0, 10**6), st.floats(0, 10**9)
LEFT, EPOCHS = st.none() | SECONDS, st.none() | COUNT
NOT_FINITE = st.sampled_from((math.nan, math.inf))
FIGURES = st.dictionaries(TEXT, st.floats() | st.integers(-9, 9) | NOT_FINITE, max_size=3)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | TEXT,
    lambda part: st.lists(part, max_size=2) | st.dictionaries(TEXT, part, max_size=2),
    max_leaves=5,
)
OTHERS = st.dictionaries(TEXT.map(lambda text: f"other {text}"), PLAIN, max_size=3)
LEVEL = st.fixed_dictionaries(
    {"utilization": st.floats(0, 1), "perplexity": SECONDS, "dead_codes": COUNT}
)
HEALTH = st.fixed_dictionaries(
    {
        "levels": st.lists(LEVEL, max_size=3),
        "positions": COUNT,
        "codebook_size": st.integers(1, 10**6),
        "complete": st.booleans(),
    }
)
DETAILS = OTHERS | OTHERS.flatmap(lambda others: HEALTH.map(lambda it: {**others, "health": it}))
SUMMARIES = st.builds(
    StageSummary,
    stage=TEXT,
    finished=st.booleans(),
    verdict=TEXT,
    epochs=COUNT,
    elapsed_s=SECONDS,
    final=FIGURES,
    best_epoch=EPOCHS,
    best=FIGURES,
    warnings=st.lists(TEXT, max_size=2),
    skipped_steps=COUNT,
    details=OTHERS,
)
ROWS: dict[type[Row], st.SearchStrategy[Any]] = {
    StartRow: st.builds(
        StartRow,
        pid=st.integers(1, 2**22),
        pid_started_s=SECONDS,
        resumed=st.booleans(),
        name=st.none() | TEXT,
        stages=st.lists(TEXT, max_size=3),
        settings=OTHERS,
    ),
    SoundsRow: st.builds(
        SoundsRow, TEXT, COUNT, SECONDS, st.dictionaries(TEXT, COUNT, max_size=3), COUNT, COUNT
    ),
    ChoiceRow: st.builds(ChoiceRow, TEXT, TEXT, SECONDS | COUNT | TEXT, TEXT),
    PlanRow: st.builds(PlanRow, SECONDS),
    StepRow: st.builds(
        StepRow,
        stage=TEXT,
        epoch=COUNT,
        epochs=EPOCHS,
        step=COUNT,
        steps=COUNT,
        loss=st.none() | st.floats() | NOT_FINITE,
        elapsed_s=SECONDS,
        left_s=LEFT,
        left_in_all_s=LEFT,
    ),
    EpochRow: st.builds(
        EpochRow,
        stage=TEXT,
        epoch=COUNT,
        epochs=EPOCHS,
        figures=FIGURES,
        details=DETAILS,
        news=st.lists(TEXT, max_size=2),
        skipped_steps=COUNT,
        elapsed_s=SECONDS,
        left_s=LEFT,
        left_in_all_s=LEFT,
    ),
    ListenRow: st.builds(ListenRow, TEXT, TEXT),
    StageRow: st.builds(StageRow, TEXT, SUMMARIES),
    EndRow: st.builds(EndRow, TEXT, TEXT, st.none() | TEXT, st.none() | TEXT),
}
"""Kind → rows as distill may write them."""


def line_of(row: Row, **changes: object) -> str:
    """The line that ProgressFile writes of a row, but for these values."""
    return json.dumps(without_nan({"time_s": 1.5, **plain_values(row), **changes}))


def mangle(row: Row, data: st.DataObject) -> str:
    """The line of a row with any value in one of its places."""
    key = data.draw(st.sampled_from(sorted(plain_values(row).keys() - {"event"})))
    return line_of(row, **{key: data.draw(PLAIN)})
