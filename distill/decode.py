"""`python -m distill.decode CODES... -o DIR`: code files → audio files."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from distill.catalog.catalog import Catalog
from distill.cli import files as batch
from distill.cli.coding import MODEL_HELP, add_audio, add_outputs, facts, load, speed, tell_model
from distill.cli.files import Job, Meter
from distill.cli.verb import Parser, answering
from distill.codec import CODES_SUFFIX
from distill.errors import CodesError

if TYPE_CHECKING:
    from torch import Tensor

    from distill.codec.codes import Codes
    from distill.codec.loaded import LoadedModel


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the verb; exits 2 on a user's mistake."""
    with answering():
        options = _parser().parse_args(arguments)
        jobs = batch.plan(
            options.codes,
            options.out,
            result_suffix=f".{options.format}",
            source_suffix=CODES_SUFFIX,
        )
        catalog = Catalog(options.library)
        chosen = options.model and catalog.model_path(options.model)

        @cache
        def loaded(path: Path) -> LoadedModel:
            model = load(path, options)
            tell_model(model, levels=options.levels, sound=True)
            return model

        def work(job: Job, meter: Meter) -> str:
            from distill.codec.codes import Codes

            codes = Codes.load(job.source)
            model = loaded(chosen or model_of(codes, catalog))
            start_s = time.monotonic()
            decode(codes, job.target, model, meter, levels=options.levels, seed=options.seed)
            took_s = time.monotonic() - start_s
            heard = codes.first_levels(options.levels) if options.levels else codes
            return f"{job.target}: {facts(heard)}, {speed(codes.duration_s, took_s)}"

        batch.run(jobs, work, overwrite=options.overwrite)


def model_of(codes: Codes, catalog: Catalog) -> Path:
    """The bundle in the library that made these codes; raises CodesError."""
    entries = catalog.entries()
    for entry in entries:
        if entry.codec_digest == codes.codec_digest and catalog.path_of(entry).is_file():
            return catalog.path_of(entry)
    named = f"{codes.model_name or 'a model'} (id {codes.model_id[:8]})"
    if any(entry.id == codes.model_id for entry in entries):
        raise CodesError(
            f"made by {named}, but trained for longer or shorter than in {catalog.folder}; "
            "give that file by --model, such as the best.distillgan of its run"
        )
    raise CodesError(f"made by {named}, which is not in {catalog.folder}; give it by --model")


def decode(
    codes: Codes,
    target: Path,
    model: LoadedModel,
    meter: Meter,
    *,
    levels: int | None,
    seed: int,
) -> None:
    """Write the sound of codes at the original's rate and length; raises DistillError."""
    from distill.audio.sound_file import write_sound

    def told(chunks: Iterator[Tensor]) -> Iterator[Tensor]:
        for chunk in chunks:
            meter.advance(chunk.shape[1] / codes.sample_rate_hz)
            yield chunk

    meter.begin(target.name, codes.duration_s)
    chunks = model.decode_stream(
        codes, levels=levels, seed=seed, sample_rate_hz=codes.sample_rate_hz
    )
    write_sound(
        target,
        told(chunks),
        sample_rate_hz=codes.sample_rate_hz,
        channels=codes.indices.shape[0],
        samples=codes.samples,
        model=f"{model.metadata.name} ({model.metadata.model_id})",
    )


def _parser() -> Parser:
    parser = Parser(prog="python -m distill.decode", description="Code files → audio files.")
    parser.add_argument("codes", metavar="CODES", nargs="+", help="code files, or folders")
    parser.add_argument(
        "--model",
        metavar="MODEL",
        help=f"{MODEL_HELP}; without it, the model in the library that the codes name",
    )
    add_outputs(parser)
    add_audio(parser)
    return parser


if __name__ == "__main__":
    main()
