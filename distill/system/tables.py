"""headings and rows → a table on the terminal; a narrow terminal gets it without lines."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from distill.system.narrow import fit_table
from distill.system.terminal import console, plain, say, say_figures

FOLDED_LABEL = 20
FRAME = 3
"""Cells of a column beside its text: two of room and one for the line."""


def print_table(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    title: str = "",
    labels: Sequence[str] = (),
    texts: Sequence[str] = (),
) -> None:
    """Print a table with a frame, or, where the terminal is too narrow for it, without.

    Figures are aligned right and always whole; columns `labels` and `texts` are aligned left, and
    cells of `labels` are folded or cut where room is short.
    """
    heads = [plain(heading) for heading in headings]
    cells = [[plain(cell) for cell in row] for row in rows]
    wanted = table_width(heads, cells, labels=labels)
    if wanted <= console.width or not console.is_terminal:
        table = Table(title_justify="left")
        for heading in heads:
            is_left = heading in labels or heading in texts
            table.add_column(
                Text(heading),
                justify="left" if is_left else "right",
                overflow="fold",
                no_wrap=console.is_terminal and heading not in labels,
            )
        for row in cells:
            table.add_row(*map(Text, row))
        table.title = Text(plain(title)) if title else None
        console.print(table)
        return
    if title:
        say_figures(title)
    for line in fit_table(heads, cells, console.width, labels=labels, texts=texts):
        say(line)


def table_width(
    headings: Sequence[str], rows: Sequence[Sequence[str]], *, labels: Sequence[str] = ()
) -> int:
    """Cells that a table takes with its frame; long `labels` are folded inside of it."""
    width = 1
    for place, heading in enumerate(headings):
        longest = max(cell_len(plain(row[place])) for row in (headings, *rows))
        width += FRAME + (min(longest, FOLDED_LABEL) if heading in labels else longest)
    return width
