"""waveform chunks (C, t) → a sound file with the model's name in it, complete or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
import soundfile
from mutagen import MutagenError
from mutagen.flac import FLAC
from mutagen.id3 import ID3, TXXX
from mutagen.oggvorbis import OggVorbis
from mutagen.wave import WAVE
from numpy.typing import NDArray

from distill.audio.own_output import TAG
from distill.audio.riff import Loop, add_loop_chunks
from distill.audio.sndfile import detail_of
from distill.errors import SoundError, WriteError
from distill.system.atomic import whole_file

if TYPE_CHECKING:
    from torch import Tensor

FORMATS = {
    "wav": ("WAV", "PCM_24"),
    "flac": ("FLAC", "PCM_24"),
    "ogg": ("OGG", "VORBIS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
}
"""File suffix → libsndfile's names of container and encoding."""
BLOCK_FRAMES = 1 << 16
LARGEST_WAV = (1 << 32) - (1 << 20)
MP3_RATES_HZ = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)


def check_format(path: Path, *, sample_rate_hz: int, channels: int) -> None:
    """Raise SoundError if the format of the suffix cannot hold such a sound."""
    suffix = path.suffix.lower().lstrip(".")
    holds = (
        suffix == "wav"
        or (suffix == "flac" and channels <= 8 and _is_flac_rate(sample_rate_hz))
        or (suffix == "ogg" and channels <= 255 and 8_000 <= sample_rate_hz <= 200_000)
        or (suffix == "mp3" and channels <= 2 and sample_rate_hz in MP3_RATES_HZ)
    )
    if not holds:
        raise SoundError(
            f"{path.name}: {suffix} cannot hold {channels} channel{'s' * (channels > 1)} at "
            f"{sample_rate_hz:,} Hz; use --format wav"
        )


def write_sound(
    path: Path,
    chunks: Iterable[Tensor],
    *,
    sample_rate_hz: int,
    channels: int,
    samples: int,
    model: str,
    bits: int | None = None,
    loop: Loop | None = None,
    replace: bool = True,
) -> None:
    """Write chunks (C, t) as exactly `samples` frames, in the format of the suffix, with the tag
    DISTILL_MODEL=`model`; `bits` of a sample are 24 where they can be chosen and are not. A WAV
    file says of a `loop` how it is repeated. After an error, no file is left.

    Raises SoundError if the format cannot hold the sound, WriteError if the disk is full, and
    FileExistsError with `replace=False` if the file exists.
    """
    check_format(path, sample_rate_hz=sample_rate_hz, channels=channels)
    suffix = path.suffix.lower().lstrip(".")
    container, encoding = FORMATS[suffix]
    if bits is not None:
        encoding = f"PCM_{bits}"
    if container == "WAV" and samples * channels * 3 > LARGEST_WAV:
        container = "RF64"
    tag = "".join(letter if letter.isprintable() else " " for letter in model)
    try:
        with whole_file(path, replace=replace) as partial:
            with open_to_write(
                partial,
                sample_rate_hz=sample_rate_hz,
                channels=channels,
                encoding=encoding,
                container=container,
            ) as file:
                if container in ("WAV", "RF64"):  # their INFO chunk allows no names of one's own
                    file.comment = f"{TAG}={tag}"
                for block in _exact_blocks(chunks, samples, channels):
                    file.write(block)
            _tag(partial, container, tag)
            if loop is not None and container == "WAV":
                add_loop_chunks(partial, loop, samples=samples, rate_hz=sample_rate_hz)
    except soundfile.LibsndfileError as error:
        raise SoundError(f"{path}: cannot be written: {detail_of(error)}") from error
    except FileExistsError:
        raise
    except OSError as error:
        raise WriteError(path, error) from error


@contextmanager
def open_to_write(
    path: Path, *, sample_rate_hz: int, channels: int, encoding: str, container: str
) -> Iterator[soundfile.SoundFile]:
    """Open a sound file to write to; raises OSError with the system's reason, which libsndfile's
    own errors do not have.
    """
    with path.open("w+b", buffering=0) as file:
        sink = _Sink(file)
        try:
            with soundfile.SoundFile(
                sink, "w", sample_rate_hz, channels, encoding, format=container
            ) as sound:
                yield sound
        except Exception as error:  # soundfile has several errors for a failed write
            if sink.failure is None:
                raise
            raise sink.failure from error
        if sink.failure is not None:  # not all encoders report it when they close
            raise sink.failure


class _Sink:
    """A file that keeps its first error, or Ctrl-C, because libsndfile does not pass them on."""

    def __init__(self, file: IO[bytes]) -> None:
        self.seek, self.tell, self.read = file.seek, file.tell, file.read
        self._file = file
        self.failure: BaseException | None = None

    def write(self, data: bytes) -> int:
        """Write all bytes; after an error, return how many were written."""
        done = 0
        try:
            while done < len(data):
                done += self._file.write(memoryview(data)[done:])
        except BaseException as error:
            self.failure = self.failure or error
        return done


def _is_flac_rate(hz: int) -> bool:
    return hz <= 65_535 or (hz <= 655_350 and hz % 10 == 0)


def _exact_blocks(
    chunks: Iterable[Tensor], frames: int, channels: int
) -> Iterator[NDArray[np.float32]]:
    """Chunks (C, t) → blocks (t, C) with `frames` in all: longer input is cut, shorter input is
    filled up with zeros.

    The blocks have at most BLOCK_FRAMES, because the Vorbis encoder puts each of them on the stack.
    """
    for chunk in chunks:
        for piece in chunk[:, :frames].split(BLOCK_FRAMES, dim=1):
            yield np.ascontiguousarray(piece.T.cpu().numpy())
        frames -= chunk.shape[1]
        if frames <= 0:
            return
    for start in range(0, frames, BLOCK_FRAMES):
        yield np.zeros((min(BLOCK_FRAMES, frames - start), channels), np.float32)


def _tag(path: Path, container: str, tag: str) -> None:
    try:
        _write_tag(path, container, tag)
    except MutagenError as error:  # raise the system's error, of which mutagen keeps only the text
        raise (error.__context__ if isinstance(error.__context__, OSError) else error) from error


def _write_tag(path: Path, container: str, tag: str) -> None:
    if container in ("FLAC", "OGG"):
        comments = FLAC(path) if container == "FLAC" else OggVorbis(path)
        comments[TAG] = tag
        comments.save()
    elif container == "WAV":
        wave = WAVE(path)
        wave.add_tags()
        assert wave.tags is not None
        wave.tags.add(TXXX(encoding=3, desc=TAG, text=tag))
        wave.save()
    elif container == "MP3":
        tags = ID3()
        tags.add(TXXX(encoding=3, desc=TAG, text=tag))
        tags.save(path)
