"""one sound file → mono float32 waveform on disk at one sample rate, made once, or the reason why
not.
"""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import soxr
from numpy.typing import NDArray

from distill.audio.mono import mix_to_mono
from distill.audio.reader import SoundReader
from distill.audio.reasons import Reason, UnusableError
from distill.audio.resample import resample
from distill.data.activity import ACTIVITY_S, Activity
from distill.data.cache_index import CacheIndex, Decoded

STALE_S = 24 * 3600
LARGEST_SAMPLE = 1e4
"""80 dB above full scale: no recording, however hot, is louder."""
RULES = 4
"""Counts changes of what is decoded and how it is judged: what was cached before is made again."""
LONG_SAMPLES = 1 << 26
"""A sound longer than this in the cache, a quarter of a GiB, is only written once it is known not
to be silent.
"""


@dataclass(frozen=True)
class CacheConfig:
    """What a cached waveform depends on besides the file itself."""

    sample_rate_hz: int
    min_duration_s: float
    silence_dbfs: float

    def fingerprint(self) -> str:
        """Name of the folder and of the index rows that belong to these settings."""
        return hashlib.sha256(
            repr((*astuple(self), ACTIVITY_S, RULES, soxr.__version__)).encode()
        ).hexdigest()[:16]


class _State(NamedTuple):
    """What differs once somebody has written to a file."""

    size: int
    time_ns: int


class WaveformCache:
    """Content-addressed raw float32 files and an index from (path, size, time, settings) to them.

    Every file is written under a temporary name and renamed when whole, and the index is SQLite, so
    an interruption leaves nothing torn, and two processes that fill the cache at once make the same
    files.
    """

    def __init__(self, folder: Path, config: CacheConfig) -> None:
        self.config = config
        self.folder = folder / config.fingerprint()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._remove_old_partial_files()
        self.index = CacheIndex(folder / "index.sqlite", config.fingerprint())

    def close(self) -> None:
        """Let go of the index."""
        self.index.close()

    def waveform_path(self, content: str) -> Path:
        """Where the waveform with this content hash lies."""
        return self.folder / content[:2] / f"{content}.f32"

    def holds(self, decoded: Decoded) -> bool:
        """Whether the waveform of an index row is there, whole."""
        try:
            name = decoded.content  # a Path for each of 50,000 would take a second
            size = os.stat(f"{self.folder}/{name[:2]}/{name}.f32").st_size
            return size == 4 * decoded.samples
        except OSError:
            return False

    def decode(self, path: Path) -> Decoded:
        """Read, check and resample a file into the cache, in blocks, so that any length takes the
        same memory.

        Raises OSError when the cache cannot be written; what is wrong with the file itself is
        returned as reason.
        """
        before = _state_of(path)
        try:
            with SoundReader(path) as source, self._open_partial_file() as (partial, sink):
                self._refuse_long_silence(path, source)
                decoded = self._decode_into(sink, path, source)
                sink.close()
                if _state_of(path) != before:
                    return Decoded(Reason.CHANGED)
                target = self.waveform_path(decoded.content)
                target.parent.mkdir(exist_ok=True)
                os.replace(partial, target)
                return decoded
        except UnusableError as error:
            return Decoded(error.reason, error.detail)

    def _decode_into(self, sink: IO[bytes], path: Path, source: SoundReader) -> Decoded:
        """Raises UnusableError for what is no sound to learn from."""
        rate_hz, wanted_hz = source.sample_rate_hz, self.config.sample_rate_hz
        digest = hashlib.sha256(str(rate_hz).encode())
        activity = self._activity(rate_hz)
        frames = samples = 0

        def listen() -> Iterator[NDArray[np.float32]]:
            nonlocal frames
            for block in source.blocks():
                mono = mix_to_mono(block)
                peak = float(np.abs(mono).max())
                if peak > LARGEST_SAMPLE:
                    detail = f"samples of {peak:.3g}, full scale is 1"
                    raise UnusableError(path, Reason.OUT_OF_RANGE, detail)
                digest.update(mono.data)
                activity.add(mono)
                frames += len(mono)
                yield mono

        for part in resample(listen(), rate_hz, wanted_hz):
            sink.write(part.astype("<f4", copy=False).data)
            samples += len(part)
        if frames / rate_hz < self.config.min_duration_s:
            raise UnusableError(path, Reason.TOO_SHORT, f"{1000 * frames / rate_hz:.1f} ms")
        if 2 * frames * wanted_hz < rate_hz:
            raise UnusableError(path, Reason.TOO_SHORT, "less than a sample")
        if not activity.heard:
            raise UnusableError(path, Reason.SILENT)
        return Decoded(
            detail=source.detail,
            content=digest.hexdigest(),
            samples=samples,
            source_rate_hz=rate_hz,
            channels=source.channels,
            active=activity.windows(samples),
            note=source.note,
        )

    def _refuse_long_silence(self, path: Path, source: SoundReader) -> None:
        """Raise UnusableError for a long file without a sound: it shall not fill the disk first."""
        rate_hz = source.sample_rate_hz
        if source.frames * self.config.sample_rate_hz <= LONG_SAMPLES * rate_hz:
            return
        activity = self._activity(rate_hz)
        with SoundReader(path) as other:
            for block in other.blocks():
                activity.add(mix_to_mono(block))
                if activity.heard:
                    return
        raise UnusableError(path, Reason.SILENT)

    def _activity(self, rate_hz: int) -> Activity:
        return Activity(
            source_rate_hz=rate_hz,
            target_rate_hz=self.config.sample_rate_hz,
            silence_dbfs=self.config.silence_dbfs,
        )

    @contextmanager
    def _open_partial_file(self) -> Iterator[tuple[str, IO[bytes]]]:
        """A file of any name to write to; deleted if it still has that name at the end."""
        partial = str(self.folder / f"{uuid.uuid4().hex}.part")
        try:
            with open(partial, "xb") as sink:
                yield partial, sink
        finally:
            with suppress(FileNotFoundError):
                os.unlink(partial)

    def _remove_old_partial_files(self) -> None:
        """Delete what killed processes left; younger files may be another process's work."""
        for partial in self.folder.glob("*.part"):
            with suppress(FileNotFoundError):
                if time.time() - partial.stat().st_mtime > STALE_S:
                    partial.unlink()


def _state_of(path: Path) -> _State | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return _State(status.st_size, status.st_mtime_ns)
