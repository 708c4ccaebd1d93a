"""`python -m distill.library`: list, show, change and hand over the library of trained models."""

from __future__ import annotations

from collections.abc import Sequence

from distill.catalog.catalog import Catalog
from distill.cli.verb import verb_entry
from distill.library.arguments import parser_of_library
from distill.system.terminal import show_warnings


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the verb; exits 2 on a user's mistake."""
    with verb_entry():
        options = parser_of_library().parse_args(arguments)
        show_warnings(on_stderr=True)
        options.run(Catalog(options.library), options)


if __name__ == "__main__":
    main()
