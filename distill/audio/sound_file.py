"""sound file ↔ waveform chunks (C, t), with the model's name in what is written."""

from __future__ import annotations

import logging
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import soundfile
import torch
from mutagen import MutagenError
from mutagen.flac import FLAC
from mutagen.id3 import ID3, TXXX
from mutagen.oggvorbis import OggVorbis
from mutagen.wave import WAVE
from numpy.typing import NDArray
from torch import Tensor

from distill.audio.sndfile import (
    HEADERLESS_FORMAT,
    HEADERLESS_SUFFIX,
    SAMPLE_RATES_HZ,
    detail_of,
    early_end,
    name_of,
    why_empty,
    written,
)
from distill.codec.stream import exactly
from distill.errors import SoundError, WriteError
from distill.system.atomic import whole_file

log = logging.getLogger(__name__)
TAG = "DISTILL_MODEL"
FORMATS = {
    "wav": ("WAV", "PCM_24"),
    "flac": ("FLAC", "PCM_24"),
    "ogg": ("OGG", "VORBIS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
}
"""File suffix → what libsndfile calls it."""
BLOCK_FRAMES = 1 << 16
LARGEST_WAV = (1 << 32) - (1 << 20)
MP3_RATES_HZ = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)


@dataclass(frozen=True)
class SoundFile:
    """An audio file to read from the start, as often as wanted; raises SoundError if it is none."""

    path: Path
    sample_rate_hz: int
    channels: int
    samples: int
    """Frames, as the header tells: damaged files hold fewer."""

    @classmethod
    def open(cls, path: Path) -> SoundFile:
        """Look at the header."""
        with _opened(path) as file:
            if file.format == HEADERLESS_FORMAT:
                raise SoundError(f"{path}: not audio: samples without a header")
            rate, channels, samples = file.samplerate, file.channels, file.frames
        if not SAMPLE_RATES_HZ[0] <= rate <= SAMPLE_RATES_HZ[1]:
            raise SoundError(f"{path}: not audio: a sample rate of {rate} Hz")
        return cls(path, rate, channels, max(0, samples))

    @property
    def duration_s(self) -> float:
        """As the header tells."""
        return self.samples / self.sample_rate_hz

    def blocks(self, progress: Callable[[float], None] = lambda s: None) -> Iterator[Tensor]:
        """Chunks (C, t) float32 of the whole file; memory does not grow with its length.

        `progress` is told how many seconds more are read.

        Raises SoundError for a file that cannot be read on, is empty, or holds NaN or infinity.
        """
        frames = 0
        with _opened(self.path) as file:
            while True:
                try:
                    block = file.read(BLOCK_FRAMES, dtype="float32", always_2d=True)
                except soundfile.LibsndfileError as error:
                    raise SoundError(f"{self.path}: unreadable: {detail_of(error)}") from error
                if not len(block):
                    break
                if not np.isfinite(block).all():
                    raise SoundError(f"{self.path}: holds NaN or infinity")
                frames += len(block)
                progress(len(block) / self.sample_rate_hz)
                yield torch.from_numpy(np.ascontiguousarray(block.T))
            if not frames:
                raise SoundError(f"{self.path}: {why_empty(file)}")
            if note := early_end(file, frames):
                _warn(self.path, note)


@cache
def _warn(path: Path, note: str) -> None:
    """Once, however often the file is read."""
    log.warning("%s: %s", path, note)


def check_format(path: Path, *, sample_rate_hz: int, channels: int) -> None:
    """Raise SoundError if the format that the suffix stands for cannot hold such a sound."""
    suffix = path.suffix.lower().lstrip(".")
    holds = (
        suffix == "wav"
        or (suffix == "flac" and channels <= 8 and _is_flac_rate(sample_rate_hz))
        or (suffix == "ogg" and channels <= 255 and 8_000 <= sample_rate_hz <= 200_000)
        or (suffix == "mp3" and channels <= 2 and sample_rate_hz in MP3_RATES_HZ)
    )
    if not holds:
        raise SoundError(
            f"{path.name}: {suffix} does not hold {channels} channel{'s' * (channels > 1)} at "
            f"{sample_rate_hz:,} Hz; take --format wav"
        )


def write_sound(
    path: Path,
    chunks: Iterable[Tensor],
    *,
    sample_rate_hz: int,
    channels: int,
    samples: int,
    model: str,
) -> None:
    """Write chunks (C, t) as exactly `samples` frames, whole or not at all, in the format of the
    suffix, tagged DISTILL_MODEL=`model`.

    Raises SoundError if the format cannot hold the sound, WriteError if the disk is full.
    """
    check_format(path, sample_rate_hz=sample_rate_hz, channels=channels)
    suffix = path.suffix.lower().lstrip(".")
    kind, subtype = FORMATS[suffix]
    if kind == "WAV" and samples * channels * 3 > LARGEST_WAV:
        kind = "RF64"
    tag = "".join(letter if letter.isprintable() else " " for letter in model)
    try:
        with whole_file(path) as partial:
            with written(
                partial,
                sample_rate_hz=sample_rate_hz,
                channels=channels,
                subtype=subtype,
                container=kind,
            ) as file:
                if kind in ("WAV", "RF64"):  # the INFO chunk has no names of one's own
                    file.comment = f"{TAG}={tag}"
                for block in _blocks(exactly(chunks, samples)):
                    file.write(block)
            _tag(partial, kind, tag)
    except soundfile.LibsndfileError as error:
        raise SoundError(f"{path}: cannot be written: {detail_of(error)}") from error
    except OSError as error:
        raise WriteError(path, error) from error


def _is_flac_rate(hz: int) -> bool:
    return hz <= 65_535 or (hz <= 655_350 and hz % 10 == 0)


def _blocks(chunks: Iterable[Tensor]) -> Iterator[NDArray[np.float32]]:
    """(C, t) → (t, C), in pieces: the Vorbis encoder puts what it is given on the stack."""
    for chunk in chunks:
        for piece in chunk.split(BLOCK_FRAMES, dim=1):
            yield np.ascontiguousarray(piece.T.cpu().numpy())


def _tag(path: Path, kind: str, tag: str) -> None:
    try:
        _write_tag(path, kind, tag)
    except MutagenError as error:  # of the system's own error it keeps the text alone
        raise (error.__context__ if isinstance(error.__context__, OSError) else error) from error


def _write_tag(path: Path, kind: str, tag: str) -> None:
    if kind in ("FLAC", "OGG"):
        comments = FLAC(path) if kind == "FLAC" else OggVorbis(path)
        comments[TAG] = tag
        comments.save()
    elif kind == "WAV":
        wave = WAVE(path)
        wave.add_tags()
        assert wave.tags is not None
        wave.tags.add(TXXX(encoding=3, desc=TAG, text=tag))
        wave.save()
    elif kind == "MP3":
        tags = ID3()
        tags.add(TXXX(encoding=3, desc=TAG, text=tag))
        tags.save(path)


def _opened(path: Path) -> soundfile.SoundFile:
    if path.suffix.lower() == HEADERLESS_SUFFIX:
        raise SoundError(f"{path}: not audio: samples without a header")
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):  # a pipe would be waited for
            raise SoundError(f"{path}: not audio: not a regular file")
        with path.open("rb"):  # libsndfile calls every failure a system error
            pass
        return soundfile.SoundFile(name_of(path))
    except soundfile.LibsndfileError as error:
        raise SoundError(f"{path}: not audio, or damaged: {detail_of(error)}") from error
    except OSError as error:
        raise SoundError(f"{path}: cannot be read: {error.strerror or error}") from error
