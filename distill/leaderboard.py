"""`python -m distill.leaderboard`: folder of a sweep → its runs, best first."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from distill.cli.verb import Parser, answering
from distill.errors import WriteError
from distill.sweep.job import DONE
from distill.sweep.results import Result, results, short, swept_keys, write_csv
from distill.system.paths import path_of
from distill.system.terminal import console, counted, duration, plain, say

CSV = "leaderboard.csv"
PICTURE = "leaderboard.png"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the verb; exits 2 on a user's mistake."""
    with answering():
        show(_parser().parse_args(arguments).folder)


def show(folder: Path) -> list[Result]:
    """Print and write the leaderboard; the results, best first. Raises DistillError."""
    ranking = results(folder)
    keys = swept_keys(ranking)
    if any(result.ranked for result in ranking):
        console.print(_table(ranking, keys))
    for result in ranking:
        if result.job.state != DONE:
            typed = " ".join(f"{key}={result.settings.get(key, '')}" for key in keys)
            say(f"job {result.job.number} ({typed}): {result.job.state}: {result.job.reason}")
            if (result.folder / "checkpoints" / "last.ckpt").exists():
                say(f"  to go on with it: python -m distill.train resume={result.folder}")
    try:
        write_csv(ranking, folder / CSV)
        _draw(ranking, folder / PICTURE)
    except OSError as error:
        raise WriteError(folder, error) from error
    picture = f" and {PICTURE}" if any(result.ranked for result in ranking) else ""
    say(f"{counted(len(ranking), 'job')}: {folder / CSV}{picture}")
    return ranking


def _parser() -> Parser:
    parser = Parser(
        prog="distill leaderboard",
        description=f"Rank the runs of a sweep, and write {CSV} and {PICTURE} into its folder.",
    )
    parser.add_argument("folder", type=path_of, help="outputs/multirun/...")
    return parser


def _table(ranking: Sequence[Result], keys: Sequence[str]) -> Table:
    table = Table(title="leaderboard", title_justify="left")
    last = [key.rpartition(".")[2] for key in keys]
    headings = last if len(set(last)) == len(last) else keys
    figures = ("mel error", "worst utilization", "kbit/s", "epochs", "time")
    for column in ("", "job", *headings, *figures, "model"):
        left = column == "model" or column in headings
        table.add_column(plain(column), justify="left" if left else "right", overflow="fold")
    for rank, result in enumerate((r for r in ranking if r.ranked), start=1):
        table.add_row(
            str(rank),
            str(result.job.number),
            *(short(plain(result.settings.get(key, ""))) for key in keys),
            f"{result.mel_db:.2f} dB",
            f"{result.utilization:.1%}",
            f"{result.bitrate_kbps:.2f}",
            f"{result.epochs:,}",
            duration(result.elapsed_s),
            plain(Path(result.bundle).stem if result.bundle else result.name),
        )
    return table


def _draw(ranking: Sequence[Result], path: Path) -> None:
    from distill.sweep.picture import draw  # matplotlib: only here

    if any(result.ranked for result in ranking):
        draw(ranking, path)


if __name__ == "__main__":
    main(sys.argv[1:])
