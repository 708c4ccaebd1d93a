"""a ranked sweep → a table on the terminal, and a line for each run without a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from distill.catalog.files import shown_name
from distill.codec.level_health import show_share
from distill.codec.yardstick import YARDSTICK
from distill.runs.folder import checkpoint_path
from distill.sweep.job import DONE
from distill.sweep.leaderboard import Leaderboard
from distill.sweep.results import Result, short
from distill.system.paths import from_here
from distill.system.shell import command_of, shell_word
from distill.system.tables import print_table, table_width
from distill.system.terminal import console, duration, fail, quantity, say, say_figures

if TYPE_CHECKING:
    from distill.sweep.launch import SweepEnd

HEARD = ("mel_db", "onset_db", "level_db")
"""Which of the yardstick's figures the table has."""


def show_leaderboard(leaderboard: Leaderboard) -> None:
    """Print the table, the runs that did not finish with their reasons, and where the files are."""
    ranking, picture = leaderboard.ranking, leaderboard.picture
    if any(result.ranked for result in ranking):
        _print_table(leaderboard)
    for result in ranking:
        if result.job.state != DONE:
            values = " ".join(f"{key}={result.setting(key)}" for key in leaderboard.keys)
            say_figures(
                f"job {result.job.number} ({values}): {result.job.state}: {result.job.reason}"
            )
            if checkpoint_path(result.folder, "codec", "last").exists():
                folder = shell_word(str(result.folder))
                say(f"  to continue it: {command_of('train')} resume={folder}")
    files = f"{leaderboard.csv} and {picture.name}" if picture else str(leaderboard.csv)
    say_figures(f"{quantity(len(ranking), 'job')}: {files}")
    folder = shell_word(str(from_here(leaderboard.csv.parent)))
    say_figures(f"their curves side by side: tensorboard --logdir {folder}")


def show_sweep_end(end: SweepEnd) -> None:
    """Print the leaderboard, then on stderr how many jobs failed or were stopped."""
    if end.leaderboard is None:
        return
    show_leaderboard(end.leaderboard)
    jobs = quantity(end.started, "job")
    if end.stopped:
        fail(f"the sweep was stopped; {end.started - end.not_done} of {jobs} had finished")
    elif end.not_done:
        fail(f"{end.not_done} of {jobs} failed; the reasons are above")


def _print_table(leaderboard: Leaderboard) -> None:
    """Print the table with as many of the other settings that differ as there is room for."""
    more = list(leaderboard.more_keys)
    headings, rows, texts = _table(leaderboard, more)
    while more and table_width(headings, rows, labels=("model",)) > console.width:
        more.pop()
        headings, rows, texts = _table(leaderboard, more)
    print_table(headings, rows, title="leaderboard", labels=("model",), texts=texts)
    if left_out := leaderboard.more_keys[len(more) :]:
        say_figures(f"they also differ in {', '.join(left_out)}: see {leaderboard.csv.name}")


def _table(
    leaderboard: Leaderboard, more: Sequence[str]
) -> tuple[Sequence[str], list[tuple[str, ...]], Sequence[str]]:
    """Headings, rows, and which of the headings are of settings."""
    keys = [*leaderboard.keys, *more]
    last = [key.rpartition(".")[2] for key in keys]
    settings = [
        name if last.count(name) == 1 else key for name, key in zip(last, keys, strict=True)
    ]
    heard = (YARDSTICK[key].name for key in HEARD)
    has_bits = any(result.bits_per_s is not None for result in leaderboard.ranking)
    bits = ("prior",) if has_bits else ()
    figures = (*heard, *bits, "worst utilization", "kbit/s", "epochs", "time")
    rows = [
        (
            str(rank),
            str(result.job.number),
            *(short(result.setting(key)) for key in keys),
            *(_decibels(result, key) for key in HEARD),
            *(_bits(result) for _ in bits),
            show_share(result.utilization),
            f"{result.bitrate_kbps:.2f}",
            f"{result.epochs:,}",
            duration(result.elapsed_s),
            shown_name(result.name, result.published) if result.published else result.name,
        )
        for rank, result in enumerate((r for r in leaderboard.ranking if r.ranked), start=1)
    ]
    return ("", "job", *settings, *figures, "model"), rows, settings


def _bits(result: Result) -> str:
    return "" if result.bits_per_s is None else f"{result.bits_per_s:,.0f} bits/s"


def _decibels(result: Result, key: str) -> str:
    value: float | None = getattr(result, key)
    return "" if value is None else YARDSTICK[key].show(value)
