"""`python -m distill.encode MODEL IN... -o DIR`: audio files → code files."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from distill.catalog.catalog import Catalog
from distill.cli import files as batch
from distill.cli.coding import MODEL_HELP, add_outputs, facts, load, speed, tell_model
from distill.cli.files import Job, Meter
from distill.cli.verb import Parser, verb_entry
from distill.codec import CODES_SUFFIX
from distill.errors import WriteError

if TYPE_CHECKING:
    from distill.codec.loaded import LoadedModel


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the verb; exits 2 on a user's mistake."""
    with verb_entry():
        options = _parser().parse_args(arguments)
        jobs = batch.plan(options.sounds, options.out, result_suffix=CODES_SUFFIX)
        path = Catalog(options.library).model_path(options.model)
        model = load(path, options)  # torch: only now is it sure that it is needed
        tell_model(model, levels=options.levels, sound=False)
        batch.run(
            jobs,
            lambda job, meter: encode(job, model, meter, levels=options.levels),
            overwrite=options.overwrite,
        )


def encode(job: Job, model: LoadedModel, meter: Meter, *, levels: int | None) -> str:
    """Encode one sound file to a code file, and tell of it; raises DistillError."""
    from distill.audio.sound_file import SoundFile

    start_s = time.monotonic()
    sound = SoundFile.open(job.source)
    meter.begin(job.source.name, sound.duration_s)
    codes = model.encode_stream(sound.blocks(meter.advance), sound.sample_rate_hz, levels=levels)
    try:
        codes.save(job.target)
    except OSError as error:
        raise WriteError(job.target, error) from error
    took_s = time.monotonic() - start_s
    return (
        f"{job.target}: {facts(codes)}, {job.target.stat().st_size:,} bytes, "
        f"{speed(codes.duration_s, took_s)}"
    )


def _parser() -> Parser:
    parser = Parser(prog="python -m distill.encode", description="Audio files → code files.")
    parser.add_argument("model", metavar="MODEL", help=MODEL_HELP)
    parser.add_argument("sounds", metavar="IN", nargs="+", help="audio files, or folders")
    add_outputs(parser)
    return parser


if __name__ == "__main__":
    main()
