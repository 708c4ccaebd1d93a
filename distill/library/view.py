"""entries of the library → tables on the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from distill.catalog.catalog import Catalog
from distill.catalog.entry import Entry
from distill.catalog.facts import ModelRow, facts_of, level_rows, row_of, vocoder_label
from distill.codec.level_health import LEVEL_HEADINGS
from distill.system.narrow import cut_label, fit_table
from distill.system.tables import print_table
from distill.system.terminal import console, say_figures

GAP = "  "
NARROWEST_NAME = 12
HEADINGS = (
    "name",
    "id",
    "date",
    "codes",
    "mel error",
    "sounds",
    "utilization",
    "vocoder",
    "prior",
    "size",
)
RIGHT = (False, False, False, True, True, False, True, False, False, True)
SORT_KEYS: dict[str, Callable[[Entry], Any]] = {
    "name": lambda entry: entry.name.lower(),
    "id": lambda entry: entry.id,
    "date": lambda entry: (entry.saved_s, entry.save_date),
    "codes": lambda entry: (
        entry.levels,
        entry.codebook_size,
        entry.low_levels,
        entry.low_codebook_size,
    ),
    "error": lambda entry: _known_first(entry.heard.get("mel_db")),
    "loss": lambda entry: _known_first(entry.final_val_loss),
    "utilization": lambda entry: _known_first(entry.worst_utilization),
    "vocoder": vocoder_label,
    "prior": lambda entry: _known_first(entry.prior.final_bits_per_s if entry.prior else None),
    "size": lambda entry: entry.size_bytes,
}


def models_table(entries: Sequence[Entry], *, width: int | None) -> Iterator[str]:
    """A line of headings, then one line for each model; names are shortened to fit `width`,
    and where that is not enough, headings.

    Not a table made by rich, which is too slow for a thousand models.
    """
    rows = [_cells(row_of(entry)) for entry in entries]
    widths = [
        max(cell_len(row[column]) for row in (HEADINGS, *rows)) for column in range(len(HEADINGS))
    ]
    if width is not None:
        wide = sum(widths) + len(GAP) * (len(widths) - 1)
        widths[0] = min(widths[0], max(NARROWEST_NAME, widths[0] - max(0, wide - width)))
        if sum(widths) + len(GAP) * (len(widths) - 1) > width:
            yield from fit_table(HEADINGS, rows, width, labels=HEADINGS[:1])
            return
    for row in (HEADINGS, *rows):
        cells = [set_cell_size(cut_label(row[0], widths[0]), widths[0])]
        for text, space, right in zip(row[1:], widths[1:], RIGHT[1:], strict=True):
            padding = " " * (space - cell_len(text))
            cells.append(padding + text if right else text + padding)
        yield GAP.join(cells).rstrip()


def show_model(entry: Entry, catalog: Catalog) -> None:
    """Print everything that the index holds about a model."""
    console.print(Text(row_of(entry).name, style="bold"))
    for key, words in facts_of(entry, catalog.path_of(entry)):
        say_figures(f"  {key:12s} {words}")
    print_table(LEVEL_HEADINGS, [(row.label, *row.cells) for row in level_rows(entry)])


def _cells(row: ModelRow) -> tuple[str, ...]:
    """A model under HEADINGS."""
    return (
        row.name,
        row.id,
        row.date,
        row.codes,
        row.mel_error,
        row.closeness,
        row.utilization,
        row.vocoder,
        row.bits,
        row.size,
    )


def _known_first(value: float | None) -> tuple[bool, float]:
    return (value is None, value or 0.0)
