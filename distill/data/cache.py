"""one sound file → mono float32 waveform on disk at one sample rate, made once, or the reason why
not.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from distill.audio.sndfile import (
    HEADERLESS_FORMAT,
    HEADERLESS_SUFFIX,
    SAMPLE_RATES_HZ,
    detail_of,
    early_end,
    name_of,
    why_empty,
)
from distill.data.activity import ACTIVITY_S, Activity
from distill.system.stopping import raise_if_stopped

BLOCK_FRAMES = 1 << 18
STALE_S = 24 * 3600
LARGEST_SAMPLE = 1e4
"""80 dB above full scale: no recording, however hot, is louder."""
RULES = 3
"""Counts changes of what is decoded and how it is judged: what was cached before is made again."""
LONG_SAMPLES = 1 << 26
"""What is longer in the cache, a quarter of a GiB, is listened to before it is written."""


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


@dataclass(frozen=True)
class Decoded:
    """A file's place in the cache (`reason` empty), or why it has none."""

    reason: str
    content: str = ""
    """SHA-256 over the decoded mono samples and their rate: the same sound in another container has
    the same.
    """
    samples: int = 0
    source_rate_hz: int = 0
    channels: int = 0
    active: bytes = b""
    """One byte for each ACTIVITY_S: 1 where the file is louder than silence."""
    note: str = ""
    """What to know of a sound that is used all the same."""


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
        self.settings = config.fingerprint()
        self.folder = folder / self.settings
        self.folder.mkdir(parents=True, exist_ok=True)
        self._remove_old_partial_files()
        self._index_path = folder / "index.sqlite"
        self._unwritten: list[tuple[str | int | bytes, ...]] = []
        try:
            self._index = self._open_index()
        except sqlite3.OperationalError:
            raise  # busy, or not ours to read: nothing to mend by deleting it
        except sqlite3.DatabaseError:  # damaged: it can be made again from the sounds
            self._index_path.unlink(missing_ok=True)
            self._index = self._open_index()

    def _remove_old_partial_files(self) -> None:
        """Delete what killed processes left; younger files may be another process's work."""
        for partial in self.folder.glob("*.part"):
            with suppress(FileNotFoundError):
                if time.time() - partial.stat().st_mtime > STALE_S:
                    partial.unlink()

    def close(self) -> None:
        """Let go of the index; rows that were not flushed are saved if that is still possible."""
        with suppress(sqlite3.Error):
            self.flush()
        self._index.close()

    def waveform_path(self, content: str) -> Path:
        """Where the waveform with this content hash lies."""
        return self.folder / content[:2] / f"{content}.f32"

    def known(self) -> dict[tuple[str, int, int], Decoded]:
        """All index rows of these settings by (path, size in bytes, time in ns)."""
        rows = self._index.execute(
            "SELECT path, size, time_ns, reason, content, samples, source_rate_hz, channels,"
            " active, note FROM sounds WHERE settings = ?",
            (self.settings,),
        )
        return {(path, size, time_ns): Decoded(*rest) for path, size, time_ns, *rest in rows}

    def remember(self, path: str, size: int, time_ns: int, decoded: Decoded) -> None:
        """Add or replace an index row; `flush` makes it last."""
        self._unwritten.append((path, self.settings, size, time_ns, *astuple(decoded)))

    def flush(self) -> None:
        """Make remembered rows last, all at once: the index is never locked while a file is
        decoded.
        """
        with self._index:
            self._index.executemany(
                "INSERT OR REPLACE INTO sounds VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                self._unwritten,
            )
        self._unwritten.clear()

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
        before = _state(path)
        if before is None:
            return Decoded("unreadable: gone since it was found")
        if before.size == 0:
            return Decoded("empty")
        partial = str(self.folder / f"{uuid.uuid4().hex}.part")
        try:
            with open(partial, "xb") as sink:
                decoded = self._decode_into(path, sink)
            if not decoded.reason:
                if _state(path) != before:
                    return Decoded("changed while being read")
                target = self.waveform_path(decoded.content)
                target.parent.mkdir(exist_ok=True)
                os.replace(partial, target)
            return decoded
        finally:
            with suppress(FileNotFoundError):
                os.unlink(partial)

    def _decode_into(self, path: Path, sink: IO[bytes]) -> Decoded:
        if path.suffix.lower() == HEADERLESS_SUFFIX:
            return Decoded("not audio: samples without a header")
        digest = hashlib.sha256()
        frames_read = samples = 0
        try:
            with soundfile.SoundFile(name_of(path)) as source:
                rate, channels = source.samplerate, source.channels
                if source.format == HEADERLESS_FORMAT:
                    return Decoded("not audio: samples without a header")
                if not SAMPLE_RATES_HZ[0] <= rate <= SAMPLE_RATES_HZ[1]:
                    return Decoded(f"not audio: a sample rate of {rate} Hz")
                wanted_rate = self.config.sample_rate_hz
                is_long = source.frames * wanted_rate > LONG_SAMPLES * rate
                if is_long and self._is_silent(path, rate):
                    return Decoded("silent")
                resampler = soxr.ResampleStream(rate, wanted_rate, 1, dtype="float32")
                activity = self._activity(rate)
                digest.update(str(rate).encode())
                for mono in _blocks(source):
                    if not np.isfinite(mono).all():
                        return Decoded("not finite: holds NaN or infinity")
                    peak = float(np.abs(mono).max())
                    if peak > LARGEST_SAMPLE:
                        return Decoded(f"out of range: samples of {peak:.3g}, full scale is 1")
                    digest.update(mono.tobytes())
                    frames_read += len(mono)
                    activity.add(mono)
                    samples += _write(
                        sink, resampler.resample_chunk(mono) if rate != wanted_rate else mono
                    )
                if rate != wanted_rate:
                    rest = resampler.resample_chunk(np.zeros(0, np.float32), last=True)
                    samples += _write(sink, rest)
                if frames_read == 0:
                    return Decoded(why_empty(source))
                note = early_end(source, frames_read)
        except soundfile.LibsndfileError as error:
            known = path.suffix.lower().lstrip(".") in {
                name.lower() for name in soundfile.available_formats()
            }
            known = known or path.suffix.lower() in (".mp3", ".aif", ".oga", ".opus")
            return Decoded(f"unreadable: {detail_of(error)}" if known else "not audio")
        if frames_read / rate < self.config.min_duration_s:
            return Decoded(f"too short: {1000 * frames_read / rate:.1f} ms")
        if samples == 0:  # resampling left nothing of so few
            return Decoded("too short: less than a sample")
        if not activity.heard:
            return Decoded("silent")
        heard = activity.windows(samples)
        return Decoded("", digest.hexdigest(), samples, rate, channels, heard, note)

    def _activity(self, rate_hz: int) -> Activity:
        return Activity(
            source_rate_hz=rate_hz,
            target_rate_hz=self.config.sample_rate_hz,
            silence_dbfs=self.config.silence_dbfs,
        )

    def _is_silent(self, path: Path, rate_hz: int) -> bool:
        """Read up to the first sound, or what is none."""
        activity = self._activity(rate_hz)
        with soundfile.SoundFile(name_of(path)) as source:
            for mono in _blocks(source):
                activity.add(mono)
                if activity.heard or not np.isfinite(mono).all():
                    return False
        return True

    def _open_index(self) -> sqlite3.Connection:
        index = sqlite3.connect(self._index_path, timeout=60)
        try:
            self._prepare(index)
        except sqlite3.Error:
            index.close()
            raise
        return index

    @staticmethod
    def _prepare(index: sqlite3.Connection) -> None:
        """Make the table where it is missing; raises sqlite3.DatabaseError for a damaged index."""
        index.execute(
            "CREATE TABLE IF NOT EXISTS sounds (path TEXT, settings TEXT, size INTEGER,"
            " time_ns INTEGER, reason TEXT, content TEXT, samples INTEGER,"
            " source_rate_hz INTEGER, channels INTEGER, active BLOB, note TEXT,"
            " PRIMARY KEY (path, settings))"
        )
        index.commit()
        (state,) = index.execute("PRAGMA quick_check(1)").fetchone()
        if state != "ok":
            raise sqlite3.DatabaseError(state)


def _state(path: Path) -> _State | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return _State(status.st_size, status.st_mtime_ns)


def _blocks(source: soundfile.SoundFile) -> Iterator[NDArray[np.float32]]:
    """The mean of the channels (T,), from where the file stands to its end."""
    # not source.blocks(): where a damaged file ends early, that repeats old samples
    while len(block := source.read(BLOCK_FRAMES, dtype="float32", always_2d=True)):
        raise_if_stopped()
        yield np.ascontiguousarray(block.mean(axis=1, dtype=np.float32))


def _write(sink: IO[bytes], samples: NDArray[np.float32]) -> int:
    """How many there were."""
    sink.write(samples.astype("<f4", copy=False).data)
    return len(samples)
