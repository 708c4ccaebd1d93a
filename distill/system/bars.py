"""work in progress → the columns of a bar that gives way to its figures on a narrow terminal."""

from __future__ import annotations

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

WIDEST_BAR = 40


class _Label(ProgressColumn):
    """The description, cut where room is short."""

    def render(self, task: Task) -> Text:
        return Text(task.description, no_wrap=True, overflow="ellipsis")


def file_columns() -> tuple[ProgressColumn, ...]:
    """A label and a bar, which become shorter where room is short, the count and the time left."""
    return (_Label(), *_bar_and_count(), TimeRemainingColumn(table_column=Column(no_wrap=True)))


def step_columns() -> tuple[ProgressColumn, ...]:
    """The description, a bar, which alone becomes shorter, the count, and the field `note`."""
    heading, note = (
        TextColumn(text, markup=False, table_column=Column(no_wrap=True))
        for text in ("{task.description}", "{task.fields[note]}")
    )
    return (heading, *_bar_and_count(), note)


def _bar_and_count() -> tuple[ProgressColumn, ...]:
    return (
        BarColumn(bar_width=None, table_column=Column(max_width=WIDEST_BAR)),
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
    )
