"""summary of a run → the closing tables on the terminal; the bundle's path is the last line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from distill.codec.level_health import LEVEL_HEADINGS, SideHealth
from distill.codec.yardstick import YARDSTICK, held_out_figures
from distill.listen.folder import invitation
from distill.listen.new_sounds import SHEET
from distill.runs.summary import StageSummary, Summary
from distill.system.paths import from_here
from distill.system.tables import print_table
from distill.system.terminal import console, duration, quantity, say, say_figures


def show_stage(name: str, stage: StageSummary, *, is_only: bool, min_utilization: float) -> None:
    """Print the tables, warnings and verdict of a stage of the run called `name`. Levels with a
    lower utilization are marked.
    """
    if stage.epochs:
        _print_losses(name, stage)
    if stage.epochs and "health" in stage.details:
        _print_levels(stage.details, min_utilization)
    for warning in stage.warnings:
        say_figures(f"warning: {warning}")
    if stage.skipped_steps:
        say_figures(f"steps skipped because of NaN or infinity: {stage.skipped_steps}")
    of_stage = "" if is_only else f" on the {stage.stage}"
    say_figures(f"verdict{of_stage}: {stage.verdict}")


def show_end(summary: Summary) -> None:
    """Print which commands to type next, and where the model is."""
    console.print("next:")
    for page in filter(None, (summary.page, summary.new_sounds_page)):
        say(f"  {invitation(Path(page))}")
    for command in summary.next_commands:
        say(f"  {command}")
    if summary.new_sounds_page:
        folder = Path(summary.new_sounds_page).parent
        say(f"new sounds, and a picture of them all: {from_here(folder / SHEET)}")
    if summary.published:
        say(f"in the library as {from_here(Path(summary.published))}")
    if summary.bundle and summary.bundle_bytes is not None:
        say(f"model ({summary.bundle_bytes / 1e6:.1f} MB):")
        say(summary.bundle)


def _print_losses(name: str, stage: StageSummary) -> None:
    rows = (("final", stage.epochs, stage.final), ("best", stage.best_epoch, stage.best))
    heard = held_out_figures(stage.final)  # only the codec has these
    bits = [key for key in ("val/bits_per_s",) if key in stage.final]  # and only a prior this
    names = (*(YARDSTICK[key].name for key in heard), *("bits a second" for _ in bits))
    print_table(
        ("", "epoch", "train loss", "val loss", *names),
        [
            (
                row,
                "" if epoch is None else str(epoch),
                _number(figures.get("train/loss")),
                _number(figures.get("val/loss")),
                *(YARDSTICK[key].show(db) for key, db in held_out_figures(figures).items()),
                *(f"{figures[key]:,.0f}" for key in bits),
            )
            for row, epoch, figures in rows
        ],
        texts=("",),
        title=f"{name}: {quantity(stage.epochs, 'epoch')} in {duration(stage.elapsed_s)}",
    )


def _print_levels(details: dict[str, Any], min_utilization: float) -> None:
    trained, held_out = (_side(details, prefix) for prefix in ("", "val_"))
    heard = [row.cells[:2] for row in held_out.rows(min_utilization)]
    rows = [
        (row.label, *row.cells, *(heard[place] if heard else ("", "")))
        for place, row in enumerate(trained.rows(min_utilization))
    ]
    print_table(
        (*LEVEL_HEADINGS, "held-out utilization", "held-out perplexity"),
        rows,
        title=f"codebooks at the end: {details['codebook_size']} codes a level, "
        f"{_low_codes(details)}"
        f"{details['bitrate_kbps']:.2f} kbit/s, measured at "
        f"{trained.positions:,} places in the training sounds and "
        f"{held_out.positions:,} in the held-out ones",
    )


def _low_codes(details: dict[str, Any]) -> str:
    size = details.get("low_codebook_size")
    return f"{size} in those of the low rows, " if size else ""


def _side(details: dict[str, Any], prefix: str) -> SideHealth:
    """The health on one side, from the keys of a codec's summary that begin with this prefix."""
    return SideHealth.from_snapshot(
        details[f"{prefix}health"],
        positions=details[f"{prefix}health_positions"],
        codebook_size=details["codebook_size"],
        low_positions=details.get(f"{prefix}low_health_positions", 0),
        low_codebook_size=details.get("low_codebook_size", 0),
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
