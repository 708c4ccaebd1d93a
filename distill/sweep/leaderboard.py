"""folder of a sweep → its runs, best first, also written into the folder as CSV and picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from distill.errors import WriteError
from distill.sweep.results import Result, results, swept_keys, varying_keys
from distill.sweep.sheet import write_csv

CSV = "leaderboard.csv"
PICTURE = "leaderboard.png"


@dataclass(frozen=True)
class Leaderboard:
    """The runs of a sweep, best first, and the files that show them."""

    ranking: Sequence[Result]
    keys: Sequence[str]
    """The settings that were typed with different values."""
    csv: Path
    picture: Path | None
    """None if no run has a model to compare."""
    more_keys: Sequence[str] = ()
    """The other settings in which the runs differ."""


def make_leaderboard(folder: Path) -> Leaderboard:
    """Rank the runs and write the files; raises DistillError if this is not a sweep's folder."""
    ranking = results(folder)
    picture = folder / PICTURE if any(result.ranked for result in ranking) else None
    try:
        write_csv(ranking, folder / CSV)
        if picture:
            from distill.sweep.picture import draw  # matplotlib: only here

            draw(ranking, picture)
    except OSError as error:
        raise WriteError(folder, error) from error
    keys = swept_keys(ranking)
    more = varying_keys(ranking)[len(keys) :]
    return Leaderboard(ranking, keys, folder / CSV, picture, more)
