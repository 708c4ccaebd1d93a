"""`python -m distill.leaderboard`: folder of a sweep → its runs, best first."""

from __future__ import annotations

from collections.abc import Sequence

from distill.cli.leaderboard_view import show_leaderboard
from distill.cli.verb import Parser, verb_entry
from distill.sweep.leaderboard import make_leaderboard
from distill.system.paths import path_of
from distill.system.shell import command_of


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the verb; exits 2 on a user's mistake."""
    with verb_entry():
        options = _parser().parse_args(arguments)
        show_leaderboard(make_leaderboard(options.folder))


def _parser() -> Parser:
    parser = Parser(
        prog=command_of("leaderboard"),
        description="Rank the runs of a sweep. The table is also written into the sweep's folder, "
        "as leaderboard.csv and as a picture, leaderboard.png.",
    )
    parser.add_argument(
        "folder",
        metavar="FOLDER",
        type=path_of,
        help="a sweep's folder, such as outputs/multirun/...",
    )
    return parser


if __name__ == "__main__":
    main()
