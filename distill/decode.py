"""`python -m distill.decode CODES...`: code files → audio files."""

from __future__ import annotations

from collections.abc import Sequence

from distill.catalog.catalog import Catalog
from distill.cli import batch
from distill.cli.coding import (
    MODEL_HELP,
    add_audio,
    add_outputs,
    model_chooser,
    out_folder,
    say_out_folder,
)
from distill.cli.coding_view import decoded_line
from distill.cli.coding_work import decode_file
from distill.cli.files import Job, plan
from distill.cli.verb import Parser, verb_entry
from distill.codec import CODES_SUFFIX
from distill.system.shell import command_of


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the verb; exits 2 on a user's mistake."""
    with verb_entry():
        options = _parser().parse_args(arguments)
        jobs = plan(
            options.codes,
            out_folder(options),
            result_suffix=f".{options.format}",
            source_suffix=CODES_SUFFIX,
        )
        catalog = Catalog(options.library)
        chosen = catalog.model_path(options.model) if options.model else None
        model_for = model_chooser(catalog, chosen, options)  # torch: only now is it needed
        say_out_folder(options)

        def decode(job: Job, meter: batch.Meter) -> str:
            from distill.codec.codes import Codes

            codes = Codes.load(job.source)
            model = model_for(codes, job.source)
            result = decode_file(
                codes,
                job,
                model,
                meter,
                levels=options.levels,
                seed=options.seed,
                overwrite=options.overwrite,
            )
            return decoded_line(job.target, result, verbose=options.verbose)

        batch.run(jobs, decode, overwrite=options.overwrite)


def _parser() -> Parser:
    parser = Parser(prog=command_of("decode"), description="Code files → audio files.")
    parser.add_argument("codes", metavar="CODES", nargs="+", help="code files, or folders of them")
    parser.add_argument(
        "--model",
        metavar="MODEL",
        help=f"{MODEL_HELP} (default: the model in the library that made the codes)",
    )
    add_outputs(parser, default="decoded")
    add_audio(parser)
    return parser


if __name__ == "__main__":
    main()
