"""`python -m distill.reconstruct MODEL IN...`: audio files through the model, to listen to and to
measure.
"""

from __future__ import annotations

from collections.abc import Sequence

from distill.catalog.catalog import Catalog
from distill.cli import batch
from distill.cli.coding import (
    add_audio,
    add_effort,
    add_model_and_sounds,
    add_outputs,
    load_model,
    out_folder,
    say_out_folder,
)
from distill.cli.coding_view import mean_line, reconstructed_line
from distill.cli.coding_work import Reconstructed, reconstruct_file
from distill.cli.files import Job, plan
from distill.cli.verb import Parser, verb_entry
from distill.errors import LostError
from distill.listen.folder import invitation
from distill.reconstruct.page import ResultsPage
from distill.system.shell import command_of
from distill.system.terminal import say, say_figures


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the verb; exits 2 on a user's mistake."""
    with verb_entry():
        options = _parser().parse_args(arguments)
        jobs = plan(options.sounds, out_folder(options), result_suffix=f".{options.format}")
        path = Catalog(options.library).model_path(options.model)
        model = load_model(path, options, sound=True)  # torch: only now is it needed
        say_out_folder(options)
        results: list[Reconstructed] = []
        page = ResultsPage(out_folder(options), model)

        def reconstruct(job: Job, meter: batch.Meter) -> str:
            result = reconstruct_file(
                job,
                model,
                meter,
                levels=options.levels,
                effort=options.effort,
                seed=options.seed,
                overwrite=options.overwrite,
            )
            results.append(result)
            page.add(job, result)
            return reconstructed_line(job.target, result, verbose=options.verbose)

        try:
            batch.run(jobs, reconstruct, overwrite=options.overwrite)
        finally:
            if len(results) > 1:
                say_figures(mean_line(results, verbose=options.verbose))
            if written := page.write():
                say(invitation(written, page.note))
        if not page.is_complete:
            raise LostError(out_folder(options), "results", ["all of the page to listen"])


def _parser() -> Parser:
    parser = Parser(
        prog=command_of("reconstruct"),
        description="Encode audio files and decode them again, to hear what the model keeps. Two "
        "mel errors are printed, both the mean difference from the original's mel spectrogram: of "
        "the model's decoded mel spectrogram, and of the written sound. Of the written sound, the "
        "onset error, over the first moments, and the level, how much louder it is, come after "
        "them, with a word for how it sounds: close, recognisable or rough. A page beside the "
        "results, listen.html, plays originals and results.",
    )
    add_model_and_sounds(parser)
    add_outputs(parser, default="listen")
    add_effort(parser)
    add_audio(parser)
    return parser


if __name__ == "__main__":
    main()
