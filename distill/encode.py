"""`python -m distill.encode MODEL IN...`: audio files → code files."""

from __future__ import annotations

from collections.abc import Sequence

from distill.catalog.catalog import Catalog
from distill.cli import batch
from distill.cli.coding import (
    add_effort,
    add_model_and_sounds,
    add_outputs,
    load_model,
    out_folder,
    say_out_folder,
)
from distill.cli.coding_view import encoded_line
from distill.cli.coding_work import encode_file
from distill.cli.files import Job, plan
from distill.cli.verb import Parser, verb_entry
from distill.codec import CODES_SUFFIX


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the verb; exits 2 on a user's mistake."""
    with verb_entry():
        options = _parser().parse_args(arguments)
        jobs = plan(options.sounds, out_folder(options), result_suffix=CODES_SUFFIX)
        path = Catalog(options.library).model_path(options.model)
        model = load_model(path, options, sound=False)  # torch: only now is it needed
        say_out_folder(options)

        def encode(job: Job, meter: batch.Meter) -> str:
            result = encode_file(
                job,
                model,
                meter,
                levels=options.levels,
                effort=options.effort,
                overwrite=options.overwrite,
            )
            return encoded_line(job.target, result, verbose=options.verbose)

        batch.run(jobs, encode, overwrite=options.overwrite)


def _parser() -> Parser:
    parser = Parser(prog="python -m distill.encode", description="Audio files → code files.")
    add_model_and_sounds(parser)
    add_outputs(parser, default="codes")
    add_effort(parser)
    return parser


if __name__ == "__main__":
    main()
