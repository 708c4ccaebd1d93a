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
from distill.encode.arrays import KINDS, check_target, gather
from distill.system.shell import command_of


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the verb; exits 2 on a user's mistake."""
    with verb_entry():
        options = _parser().parse_args(arguments)
        jobs = plan(options.sounds, out_folder(options), result_suffix=CODES_SUFFIX)
        if options.to:
            check_target(out_folder(options), options.to, overwrite=options.overwrite)
        path = Catalog(options.library).model_path(options.model)
        model = load_model(path, options, sound=False)  # torch: only now is it needed
        say_out_folder(options)
        if options.to:
            gather(jobs, model, options, out_folder(options))
            return

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
    parser = Parser(prog=command_of("encode"), description="Audio files → code files.")
    add_model_and_sounds(parser)
    add_outputs(parser, default="codes")
    add_effort(parser)
    parser.add_argument(
        "--to",
        choices=KINDS,
        help="no code files, but all codes in one file, codes.npz for NumPy or codes.parquet for "
        "tables (default: a code file for each sound)",
    )
    return parser


if __name__ == "__main__":
    main()
