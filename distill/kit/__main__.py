"""`python -m distill.kit MODEL`: a kit of new sounds for a sampler."""

from __future__ import annotations

from collections.abc import Sequence

from distill.catalog.catalog import Catalog
from distill.cli.coding import load_model, say_out_folder
from distill.cli.verb import verb_entry
from distill.kit.arguments import check_combination, parser_of_kit


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the verb; exits 2 on a user's mistake."""
    with verb_entry():
        options = parser_of_kit().parse_args(arguments)
        check_combination(options)
        path = Catalog(options.library).model_path(options.model)
        from distill.kit.making import make_kit  # torch: only now is it needed

        model = load_model(path, options, sound=True)
        say_out_folder(options)
        make_kit(model, options)


if __name__ == "__main__":
    main()
