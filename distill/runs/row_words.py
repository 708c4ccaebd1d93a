"""figures of a row → lines of text."""

from __future__ import annotations

from collections.abc import Mapping

from distill.codec.level_health import SideHealth
from distill.codec.yardstick import held_out_figures, rate, show_figures
from distill.system.terminal import duration


def sound_lines(figures: Mapping[str, float]) -> list[str]:
    """One line of how the held-out sounds come back, with the word for it; none without these
    figures.
    """
    measured = held_out_figures(figures)
    rating = rate(measured)
    shown = show_figures({key: db for key, db in measured.items() if key != "mel_db"})
    if not shown or rating is None:
        return []
    return [f"  heard  {'   '.join([*shown, rating.closeness])}"]


def level_lines(side: SideHealth, min_utilization: float) -> list[str]:
    """One line for each level, with a mark on those that are low."""
    lines = []
    for number, row in enumerate(side.rows(min_utilization)):
        part = side.part_of(number)
        few = f"   (rough: measured at only {part.positions:,} places in the sounds)"
        utilization, perplexity, dead_codes = row.cells
        lines.append(
            f"  {row.title:<7}  utilization {utilization:>6}   "
            f"perplexity {perplexity:>6} of {part.codebook_size}   dead codes {dead_codes}"
            f"{'' if part.complete else few}{f'   {row.mark}' if row.is_low else ''}"
        )
    return lines


def epoch_words(epoch: int, epochs: int | None) -> str:
    """`epoch 3/10`; without the second number where there is no limit."""
    return f"epoch {epoch}/{epochs}" if epochs else f"epoch {epoch}"


def time_words(elapsed_s: float, left_s: float | None, in_all_s: float | None) -> str:
    """Time of the stage so far, time left in it, and in all where other stages follow."""
    left = "" if left_s is None else f", {duration(left_s)} left"
    more = "" if in_all_s is None or in_all_s == left_s else f", {duration(in_all_s)} left in all"
    return f"{duration(elapsed_s)} gone{left}{more}"
