"""`python -m distill.reconstruct MODEL IN... -o DIR`: audio files through the model, to listen to
and to measure.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from distill.catalog.catalog import Catalog
from distill.cli import files as batch
from distill.cli.coding import (
    MODEL_HELP,
    add_audio,
    add_outputs,
    facts,
    load,
    speed,
    tell_model,
)
from distill.cli.files import Job, Meter
from distill.cli.verb import Parser, answering
from distill.decode import decode
from distill.system.terminal import counted, say

if TYPE_CHECKING:
    from distill.audio.sound_file import SoundFile
    from distill.codec.codes import Codes
    from distill.codec.loaded import LoadedModel


@dataclass(frozen=True)
class Result:
    """What reconstructing one file gave."""

    duration_s: float
    encode_s: float
    decode_s: float
    bits: int
    mel_db: float
    """Mel error of the decoded mel, before the vocoder."""
    heard_db: float
    """Mel error of the written sound."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the verb; exits 2 on a user's mistake."""
    with answering():
        options = _parser().parse_args(arguments)
        jobs = batch.plan(options.sounds, options.out, result_suffix=f".{options.format}")
        path = Catalog(options.library).model_path(options.model)
        model = load(path, options)  # torch: only now is it sure that it is needed
        tell_model(model, levels=options.levels, sound=True)
        results: list[Result] = []

        def work(job: Job, meter: Meter) -> str:
            line, result = reconstruct(job, model, meter, levels=options.levels, seed=options.seed)
            results.append(result)
            return line

        try:
            batch.run(jobs, work, overwrite=options.overwrite)
        finally:
            if len(results) > 1:
                tell_mean(results, model.vocoder.name)


def reconstruct(
    job: Job,
    model: LoadedModel,
    meter: Meter,
    *,
    levels: int | None,
    seed: int,
) -> tuple[str, Result]:
    """Encode, decode, write and measure one sound file; raises DistillError."""
    from distill.audio.sound_file import SoundFile, check_format

    sound = SoundFile.open(job.source)
    check_format(job.target, sample_rate_hz=sound.sample_rate_hz, channels=sound.channels)
    meter.begin(f"encoding {job.source.name}", sound.duration_s)
    start_s = time.monotonic()
    codes = model.encode_stream(sound.blocks(meter.advance), sound.sample_rate_hz, levels=levels)
    encoded_s = time.monotonic()
    decode(codes, job.target, model, meter, levels=None, seed=seed)
    decoded_s = time.monotonic()
    meter.begin(f"measuring {job.source.name}", codes.duration_s)
    mel_db, heard_db = measure(sound, job.target, codes, model, meter)
    result = Result(
        codes.duration_s, encoded_s - start_s, decoded_s - encoded_s, codes.bits, mel_db, heard_db
    )
    errors = _errors(mel_db, heard_db, model.vocoder.name)
    return f"{job.target}: {facts(codes)}, {_speeds(result)}, {errors}", result


def measure(
    sound: SoundFile, written: Path, codes: Codes, model: LoadedModel, meter: Meter
) -> tuple[float, float]:
    """Mel error in dB of the decoded mel, and of the sound that was written."""
    from distill.audio.sound_file import SoundFile
    from distill.codec.mel_error import mel_errors_db

    mel_db, heard_db = mel_errors_db(
        model.mels(sound.blocks(meter.advance), sound.sample_rate_hz),
        model.decoded_mels(codes),
        model.mels(SoundFile.open(written).blocks(), sound.sample_rate_hz),
        spectrogram=model.spectrogram,
    )
    return mel_db, heard_db


def tell_mean(results: Sequence[Result], vocoder: str) -> None:
    """The closing line, over all files."""
    seconds = sum(result.duration_s for result in results)
    whole = Result(
        seconds,
        sum(result.encode_s for result in results),
        sum(result.decode_s for result in results),
        sum(result.bits for result in results),
        fmean(result.mel_db for result in results),
        fmean(result.heard_db for result in results),
    )
    say(
        f"mean of {counted(len(results), 'file')}: {whole.bits / seconds / 1000:.2f} kbit/s, "
        f"{_speeds(whole)}, {_errors(whole.mel_db, whole.heard_db, vocoder)}"
    )


def _speeds(result: Result) -> str:
    return (
        f"encoded at {speed(result.duration_s, result.encode_s)}, "
        f"decoded at {speed(result.duration_s, result.decode_s)}"
    )


def _errors(mel_db: float, heard_db: float, vocoder: str) -> str:
    return f"mel error {mel_db:.2f} dB, {heard_db:.2f} dB after {vocoder}"


def _parser() -> Parser:
    parser = Parser(
        prog="python -m distill.reconstruct",
        description="Audio files through the model and back. The mel error is the mean "
        "difference between the mel spectrograms of original and reconstruction, before and "
        "after the vocoder.",
    )
    parser.add_argument("model", metavar="MODEL", help=MODEL_HELP)
    parser.add_argument("sounds", metavar="IN", nargs="+", help="audio files, or folders")
    add_outputs(parser)
    add_audio(parser)
    return parser


if __name__ == "__main__":
    main()
