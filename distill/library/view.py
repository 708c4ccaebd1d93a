"""entries of the library → tables on the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from distill.catalog.catalog import Catalog, shown_name
from distill.catalog.entry import Entry
from distill.catalog.facts import sparkline, vocoder_label
from distill.codec.yardstick import rate, show_figures
from distill.system.narrow import cut, fit_table
from distill.system.tables import print_table
from distill.system.terminal import console, counted, duration, plain, say_figures

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
    "date": lambda entry: entry.save_date,
    "codes": lambda entry: (entry.levels, entry.codebook_size),
    "error": lambda entry: _known_first(entry.heard.get("mel_db")),
    "loss": lambda entry: _known_first(entry.final_val_loss),
    "utilization": lambda entry: _known_first(entry.worst_utilization),
    "vocoder": lambda entry: vocoder_label(entry),
    "prior": lambda entry: _known_first(entry.prior.final_bits_per_s if entry.prior else None),
    "size": lambda entry: entry.size_bytes,
}


def models_table(entries: Sequence[Entry], catalog: Catalog, *, width: int | None) -> Iterator[str]:
    """A line of headings, then one line for each model; names are shortened to fit `width`,
    and where that is not enough, headings.

    Not a table made by rich, which is too slow for a thousand models.
    """
    rows = [
        (
            plain(shown_name(entry.name, entry.file)),
            plain(entry.id[:8]),
            _date(entry.save_date),
            f"{entry.levels} × {entry.codebook_size}",
            _decibels(entry.heard.get("mel_db")),
            _word(entry),
            _share(entry.worst_utilization),
            vocoder_label(entry),
            _bits(entry),
            _megabytes(entry.size_bytes) if catalog.path_of(entry).is_file() else "file missing",
        )
        for entry in entries
    ]
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
        cells = [set_cell_size(cut(row[0], widths[0]), widths[0])]
        for text, space, right in zip(row[1:], widths[1:], RIGHT[1:], strict=True):
            padding = " " * (space - cell_len(text))
            cells.append(padding + text if right else text + padding)
        yield GAP.join(cells).rstrip()


def show_model(entry: Entry, catalog: Catalog) -> None:
    """Print everything that the index holds about a model."""
    path = catalog.path_of(entry)
    missing = "" if path.is_file() else ", but the file is missing"
    facts = {
        "id": entry.id,
        "description": entry.description,
        "tags": ", ".join(entry.tags),
        "file": f"{path} ({_megabytes(entry.size_bytes)}){missing}",
        "checksum": entry.checksum,
        "collection": f"{entry.dataset_name}: {counted(entry.dataset_file_count, 'file')}, "
        f"{duration(entry.dataset_total_duration_s)}",
        "trained": f"{_date(entry.training_date)}, {counted(entry.training_epochs, 'epoch')}, "
        f"saved {_date(entry.save_date)} by distill {entry.distill_version}",
        "codes": f"{counted(entry.levels, 'level')} of {entry.codebook_size} codes, "
        f"{entry.bitrate_kbps:.2f} kbit/s a channel at {entry.sample_rate_hz:,} Hz",
        "train loss": _curve(entry.loss_curve["train_losses"], entry.final_train_loss),
        "val loss": _curve(entry.loss_curve["val_losses"], entry.final_val_loss),
        "held out": ", ".join(show_figures(entry.heard)),
        "sounds": _rating(entry),
        "vocoder": _vocoder(entry),
        "prior": _prior(entry),
        "classes": ", ".join(map(plain, entry.prior.classes)) if entry.prior else "",
    }
    console.print(Text(plain(shown_name(entry.name, entry.file)), style="bold"))
    for key, value in facts.items():
        if value:
            say_figures(f"  {key:12s} {value}")
    rows = []
    for level, health in entry.codebook_health.items():
        dead = health.get("dead_codes")
        rows.append(
            (
                level.removeprefix("level_"),
                _share(health.get("utilization")),
                _number(health.get("perplexity"), 1),
                "" if dead is None else f"{dead:.0f}",
            )
        )
    print_table(("level", "utilization", "perplexity", "dead codes"), rows)


def _vocoder(entry: Entry) -> str:
    if entry.vocoder is None:
        return ""
    facts = entry.vocoder
    loss, date = _number(facts.final_loss), _date(facts.training_date)
    return f"{vocoder_label(entry)}, final loss {loss}, trained {date}"


def _decibels(value: float | None) -> str:
    return "" if value is None else f"{value:.2f} dB"


def _word(entry: Entry) -> str:
    rating = rate(entry.heard)
    return str(rating.closeness) if rating else ""


def _rating(entry: Entry) -> str:
    rating = rate(entry.heard)
    return f"{rating.closeness}: {rating.reason}" if rating else ""


def _prior(entry: Entry) -> str:
    if entry.prior is None:
        return ""
    facts = entry.prior
    return f"{facts.type} ({facts.epochs} ep), {_bits(entry)}, trained {_date(facts.training_date)}"


def _bits(entry: Entry) -> str:
    """What the model's prior needs for a second of held-out sound; empty if it has none."""
    bits = entry.prior and entry.prior.final_bits_per_s
    return "" if bits is None else f"{bits:,.0f} bits/s"


def _curve(values: Sequence[float | None], final: float | None) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return ""
    last = _number(final) or _number(known[-1])
    return last if len(known) == 1 else f"{sparkline(values)}  {known[0]:.4g} → {last}"


def _date(text: str) -> str:
    """2026-01-31T14:00:00+0000 → 2026-01-31 14:00."""
    return plain(text[:16].replace("T", " "))


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.1f} MB"


def _number(value: float | None, digits: int = 4) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def _known_first(value: float | None) -> tuple[bool, float]:
    return (value is None, value or 0.0)
