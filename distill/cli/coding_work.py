"""one file to encode or decode → its result, written, and the facts about it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from distill.cli.batch import Meter, common_cause, new_file
from distill.cli.files import Job
from distill.codec import MOST_EFFORT
from distill.codec.yardstick import OF_MELS

if TYPE_CHECKING:
    from torch import Tensor

    from distill.audio.sound_file import SoundFile
    from distill.bundle.loaded import LoadedModel
    from distill.codec.attack import Attacks
    from distill.codec.codes import Codes
    from distill.codec.hearing import EnergyMeter
    from distill.codec.mel_error import MelFigures


@dataclass(frozen=True)
class Coded:
    """Facts about the codes of one sound."""

    duration_s: float
    channels: int
    sample_rate_hz: int
    bits: int

    @classmethod
    def of(cls, codes: Codes) -> Coded:
        """The facts about `codes`."""
        return cls(codes.duration_s, codes.channels, codes.sample_rate_hz, codes.bits)


@dataclass(frozen=True)
class Encoded:
    """Facts about a code file that was written."""

    coded: Coded
    size_bytes: int
    took_s: float


@dataclass(frozen=True)
class Decoded:
    """Facts about a sound file that was written from codes."""

    coded: Coded
    took_s: float


@dataclass(frozen=True)
class Reconstructed:
    """Facts about a sound file that was encoded, and written from its codes."""

    coded: Coded
    encode_s: float
    decode_s: float
    mel_db: float
    """Mel error of the decoded mel."""
    written_db: float
    """Mel error of the written sound."""
    onset_db: float
    """Onset error of the written sound."""
    peak_db: float
    """Its peak loss: how much quieter the loudest bin of the onset is."""
    level_db: float
    """Its energy over that of the original."""
    attacks: dict[str, float] = field(default_factory=dict)
    """Figures of its attacks, by the keys that the yardstick knows; empty if it has none."""
    side_db: float | None = None
    """Of two channels, how loud their difference is in the written sound."""
    original_side_db: float | None = None

    @property
    def figures(self) -> dict[str, float]:
        """What is known of it, by the keys that the yardstick knows."""
        return {key: getattr(self, key) for key in OF_MELS} | self.attacks


def encode_file(
    job: Job, model: LoadedModel, meter: Meter, *, levels: int | None, effort: int, overwrite: bool
) -> Encoded:
    """Sound file → code file; raises DistillError, which names the file."""
    start_s = time.monotonic()
    codes = codes_of_file(job, model, meter, levels=levels, effort=effort)
    with new_file(job):
        codes.write(job.target, replace=overwrite)
    size_bytes = job.target.stat().st_size
    return Encoded(Coded.of(codes), size_bytes, time.monotonic() - start_s)


def codes_of_file(
    job: Job, model: LoadedModel, meter: Meter, *, levels: int | None, effort: int
) -> Codes:
    """Sound file → its codes; raises DistillError, which names the file."""
    return _encode(_open(job), job.source.name, model, meter, levels=levels, effort=effort)


def decode_file(
    codes: Codes,
    job: Job,
    model: LoadedModel,
    meter: Meter,
    *,
    levels: int | None,
    seed: int,
    overwrite: bool,
) -> Decoded:
    """Codes of `job.source` → sound file; raises DistillError, which names the file."""
    start_s = time.monotonic()
    with common_cause(("levels", codes.levels), file=job.source):
        kept = codes if levels is None else codes.first_levels(levels)
    _check_format(job.target, codes.sample_rate_hz, codes.channels)
    _write(kept, job, model, meter, seed=seed, overwrite=overwrite)
    return Decoded(Coded.of(kept), time.monotonic() - start_s)


def reconstruct_file(
    job: Job,
    model: LoadedModel,
    meter: Meter,
    *,
    levels: int | None,
    effort: int,
    seed: int,
    overwrite: bool,
) -> Reconstructed:
    """Sound file → its reconstruction in a sound file, and how the two differ; raises
    DistillError, which names the file.
    """
    from distill.codec.hearing import level_db

    sound = _open(job)
    _check_format(job.target, sound.sample_rate_hz, sound.channels)
    start_s = time.monotonic()
    name = f"encoding {job.source.name}"
    codes = _encode(sound, name, model, meter, levels=levels, effort=effort)
    encoded_s = time.monotonic()
    _write(codes, job, model, meter, seed=seed, overwrite=overwrite)
    decoded_s = time.monotonic()
    meter.begin(f"measuring {job.source.name}", codes.duration_s)
    decoded, heard, (before, after), attacks = _measure(sound, job.target, codes, model, meter)
    return Reconstructed(
        Coded.of(codes),
        encoded_s - start_s,
        decoded_s - encoded_s,
        mel_db=decoded.error_db,
        written_db=heard.error_db,
        onset_db=heard.onset.error_db,
        peak_db=heard.onset.peak_db,
        level_db=level_db(before.energy, after.energy),
        attacks=attacks.figures if attacks else {},
        side_db=after.side_db,
        original_side_db=before.side_db,
    )


def _open(job: Job) -> SoundFile:
    """Open a sound; one that distill made is only taken if the user named the file itself."""
    from distill.audio.reasons import Reason, UnusableError
    from distill.audio.sound_file import SoundFile

    sound = SoundFile.open(job.source)
    if job.found and sound.made_with is not None:
        detail = f"made with {sound.made_with}; to take it, name the file itself"
        raise UnusableError(job.source, Reason.OWN_OUTPUT, detail)
    return sound


def _encode(
    sound: SoundFile,
    shown: str,
    model: LoadedModel,
    meter: Meter,
    *,
    levels: int | None,
    effort: int,
) -> Codes:
    meter.begin(shown, sound.duration_s)
    if effort < MOST_EFFORT:
        blocks = sound.blocks(meter.advance)
        return model.encode_stream(blocks, sound.sample_rate_hz, levels=levels, effort=effort)
    return model.encode_stream(  # whose work comes after the reading
        sound.blocks(),
        sound.sample_rate_hz,
        levels=levels,
        effort=effort,
        progress=meter.advance,
    )


def _check_format(target: Path, sample_rate_hz: int, channels: int) -> None:
    from distill.audio.writer import check_format

    with common_cause(("format", sample_rate_hz, channels)):
        check_format(target, sample_rate_hz=sample_rate_hz, channels=channels)


def _write(
    codes: Codes, job: Job, model: LoadedModel, meter: Meter, *, seed: int, overwrite: bool
) -> None:
    """Decode and write codes, at the original's sample rate and length."""
    from distill.audio.writer import write_sound

    def show_progress(chunks: Iterator[Tensor]) -> Iterator[Tensor]:
        for chunk in chunks:
            meter.advance(chunk.shape[1] / codes.sample_rate_hz)
            yield chunk

    meter.begin(job.target.name, codes.duration_s)
    with new_file(job):
        write_sound(
            job.target,
            show_progress(model.decode_stream(codes, seed=seed)),
            sample_rate_hz=codes.sample_rate_hz,
            channels=codes.channels,
            samples=codes.samples,
            model=model.signature,
            replace=overwrite,
        )


def _measure(
    sound: SoundFile, written: Path, codes: Codes, model: LoadedModel, meter: Meter
) -> tuple[MelFigures, MelFigures, tuple[EnergyMeter, EnergyMeter], Attacks | None]:
    """The figures of the decoded mel, those of the sound that was written, the energies of the
    original and of that sound, and its attacks.
    """
    from distill.audio.sound_file import SoundFile
    from distill.codec.attack import Attacks, EnvelopeMeter, find_attacks
    from distill.codec.hearing import EnergyMeter
    from distill.codec.mel_error import compare_mels

    energies = EnergyMeter(), EnergyMeter()
    envelopes = EnvelopeMeter(sound.sample_rate_hz), EnvelopeMeter(sound.sample_rate_hz)
    originals, results = (
        envelope.measure(energy.measure(chunks))
        for envelope, energy, chunks in zip(
            envelopes,
            energies,
            (sound.blocks(meter.advance), SoundFile.open(written).blocks()),
            strict=True,
        )
    )
    decoded, heard = compare_mels(
        model.codec.mels(originals, sound.sample_rate_hz),
        model.codec.decoded_mels(codes),
        model.codec.mels(results, sound.sample_rate_hz),
        spectrogram=model.codec.spectrogram,
    )
    attacks = find_attacks(*(each.envelope() for each in envelopes))
    return decoded, heard, energies, Attacks.of(attacks)
