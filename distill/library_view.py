"""entries of the library → tables on the terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from distill.bundle.catalog import Catalog
from distill.bundle.entry import Entry
from distill.terminal import console, counted, duration, plain

BARS = "▁▂▃▄▅▆▇█"
SORT_KEYS: dict[str, Callable[[Entry], Any]] = {
    "name": lambda entry: entry.name.lower(),
    "id": lambda entry: entry.id,
    "date": lambda entry: entry.save_date,
    "codes": lambda entry: (entry.levels, entry.codebook_size),
    "loss": lambda entry: _known_first(entry.final_val_loss),
    "utilization": lambda entry: _known_first(entry.worst_utilization),
    "vocoder": lambda entry: vocoder_label(entry),
    "size": lambda entry: entry.size_bytes,
}


def models_table(entries: Sequence[Entry], catalog: Catalog) -> Table:
    """One row a model."""
    table = Table()
    table.add_column("name", overflow="ellipsis", no_wrap=True, min_width=12)
    for column in ("id", "date", "codes", "val loss", "worst utilization", "vocoder", "size"):
        justify = "left" if column in ("id", "date", "vocoder") else "right"
        table.add_column(column, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for entry in entries:
        there = catalog.path_of(entry).is_file()
        table.add_row(
            Text(plain(entry.name)),
            Text(plain(entry.id[:8])),
            _date(entry.save_date),
            f"{entry.levels} × {entry.codebook_size}",
            _number(entry.final_val_loss),
            _share(entry.worst_utilization),
            Text(vocoder_label(entry)),
            _megabytes(entry.size_bytes) if there else "file is gone",
        )
    return table


def show_model(entry: Entry, catalog: Catalog) -> None:
    """All that the index knows of a model."""
    path = catalog.path_of(entry)
    gone = "" if path.is_file() else ", but the file is gone"
    rows = {
        "id": entry.id,
        "description": entry.description,
        "tags": ", ".join(entry.tags),
        "file": f"{path} ({_megabytes(entry.size_bytes)}){gone}",
        "checksum": entry.checksum,
        "collection": f"{entry.dataset_name}: {counted(entry.dataset_file_count, 'file')}, "
        f"{duration(entry.dataset_total_duration_s)}",
        "trained": f"{_date(entry.training_date)}, {counted(entry.training_epochs, 'epoch')}, "
        f"saved {_date(entry.save_date)} by distill {entry.distill_version}",
        "codes": f"{counted(entry.levels, 'level')} of {entry.codebook_size} codes, "
        f"{entry.bitrate_kbps:.2f} kbit/s a channel at {entry.sample_rate_hz:,} Hz",
        "train loss": _curve(entry.loss_curve["train_losses"], entry.final_train_loss),
        "val loss": _curve(entry.loss_curve["val_losses"], entry.final_val_loss),
        "vocoder": _vocoder(entry),
    }
    console.print(Text(plain(entry.name), style="bold"))
    for key, value in rows.items():
        if value:
            console.print(f"  {key:12s} {plain(value)}", markup=False, soft_wrap=True)
    levels = Table()
    for column in ("level", "utilization", "perplexity", "dead codes"):
        levels.add_column(column, justify="right")
    for level, health in entry.codebook_health.items():
        dead = health.get("dead_codes")
        levels.add_row(
            Text(plain(level.removeprefix("level_"))),
            _share(health.get("utilization")),
            _number(health.get("perplexity"), 1),
            "" if dead is None else f"{dead:.0f}",
        )
    console.print(levels)


def vocoder_label(entry: Entry) -> str:
    """`HiFi-GAN (200 ep)`, or nothing."""
    if entry.vocoder is None:
        return ""
    kind = str(entry.vocoder.get("type"))
    if kind.lower().replace("-", "").replace("_", "").startswith("hifigan"):
        kind = "HiFi-GAN"
    epochs = entry.vocoder.get("epochs")
    return plain(kind if epochs is None else f"{kind} ({epochs} ep)")


def sparkline(values: Sequence[float | None]) -> str:
    """A curve in one line of text; what is no number is a gap."""
    known = [value for value in values if value is not None]
    if not known:
        return ""
    low, span = min(known), (max(known) - min(known)) or 1.0
    return "".join(
        " " if value is None else BARS[min(7, int(8 * (value - low) / span))] for value in values
    )


def _vocoder(entry: Entry) -> str:
    if entry.vocoder is None:
        return ""
    loss, date = entry.vocoder.get("final_loss"), entry.vocoder.get("training_date")
    details = [f"final loss {loss}" if loss is not None else "", f"trained {date}" if date else ""]
    return ", ".join([vocoder_label(entry), *filter(None, details)])


def _curve(values: Sequence[float | None], final: float | None) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return ""
    return f"{sparkline(values)}  {known[0]:.4g} → {_number(final) or f'{known[-1]:.4g}'}"


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
