"""work in progress → the columns of a bar that gives way to its figures on a narrow terminal."""

from __future__ import annotations

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    Task,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

WIDEST_BAR = 40


class _Label(ProgressColumn):
    """The description, cut where room is short."""

    def render(self, task: Task) -> Text:
        return Text(task.description, no_wrap=True, overflow="ellipsis")


def narrow_columns() -> tuple[ProgressColumn, ...]:
    """A label and a bar, which become shorter where room is short, the count and the time left."""
    return (
        _Label(),
        BarColumn(bar_width=None, table_column=Column(max_width=WIDEST_BAR)),
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
        TimeRemainingColumn(table_column=Column(no_wrap=True)),
    )
