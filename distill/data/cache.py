"""one sound file → its mono float32 waveform at one sample rate, on disk, or why it is unusable."""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import IO

import numpy as np
import soxr
from numpy.typing import NDArray

from distill.audio.mono import Mix, MixChoice, channels_of, loudest_channel
from distill.audio.own_output import mark_cache
from distill.audio.reader import SoundReader
from distill.audio.reasons import Note, NoteText, Reason, UnusableError
from distill.audio.resample import resample
from distill.data.activity import ACTIVITY_S, Activity
from distill.data.cache_index import CacheIndex, Decoded, FileState

STALE_S = 24 * 3600
RULES = 6
"""Increased when decoding or the checks of files change, so that cached files are made again."""
LONG_SAMPLES = 1 << 26
"""A sound longer than this, a quarter of a GiB in the cache, is first checked for silence, then
written.
"""


@dataclass(frozen=True)
class CacheConfig:
    """The settings that a cached waveform depends on."""

    sample_rate_hz: int
    min_duration_s: float
    silence_dbfs: float

    def fingerprint(self) -> str:
        """A short name for these settings, used for the cache's folder and its index rows."""
        return hashlib.sha256(
            repr((*astuple(self), ACTIVITY_S, RULES, soxr.__version__)).encode()
        ).hexdigest()[:16]


class WaveformCache:
    """Raw float32 files, named by a hash of their content, and an SQLite index from path and state
    of a sound file to them.

    Every file is written under a temporary name and renamed when it is complete. So an interruption
    leaves no half-written file, and two processes can fill the cache at the same time.
    """

    def __init__(self, folder: Path, config: CacheConfig) -> None:
        self.config = config
        self.folder = folder / config.fingerprint()
        self.folder.mkdir(parents=True, exist_ok=True)
        mark_cache(folder)
        self._remove_old_partial_files()
        self.index = CacheIndex(folder / "index.sqlite", config.fingerprint())

    def close(self) -> None:
        """Close the index."""
        self.index.close()

    def waveform_path(self, content: str) -> Path:
        """Path of the waveform with this content hash."""
        return self.folder / content[:2] / f"{content}.f32"

    def holds(self, decoded: Decoded) -> bool:
        """Whether the waveform of an index row exists and is complete."""
        try:
            name = decoded.content  # 50,000 objects of Path would take a second
            size = os.stat(f"{self.folder}/{name[:2]}/{name}.f32").st_size
            return size == 4 * decoded.samples
        except OSError:
            return False

    def decode(self, path: Path) -> Decoded:
        """Read, check and resample a file into the cache, in blocks: memory does not grow with its
        length.

        A file that cannot be used is returned with its reason. Raises OSError if the cache cannot
        be written.
        """
        before = _state_of(path)
        try:
            decoded = self._decode(path, before, None)
            if isinstance(decoded, Mix):
                decoded = self._decode(path, before, decoded)
            assert isinstance(decoded, Decoded)
            return decoded
        except UnusableError as error:
            return Decoded(error.reason, error.detail)

    def _decode(self, path: Path, before: FileState | None, mix: Mix | None) -> Decoded | Mix:
        """Decode with a mix; without one, with the mean of all channels, or return the mix that has
        to be used instead.
        """
        with SoundReader(path) as source, self._open_partial_file() as (partial, sink):
            if source.made_with is not None:
                raise UnusableError(path, Reason.OWN_OUTPUT, f"made with {source.made_with}")
            if mix is None:
                self._refuse_long_silence(path, source)
            decoded = self._decode_into(sink, path, source, mix)
            sink.close()
            if _state_of(path) != before:
                return Decoded(Reason.CHANGED)
            if isinstance(decoded, Decoded):
                target = self.waveform_path(decoded.content)
                target.parent.mkdir(exist_ok=True)
                try:
                    os.replace(partial, target)
                except PermissionError:  # on Windows, where another process has mapped the same
                    if not target.exists():
                        raise
            return decoded

    def _decode_into(
        self, sink: IO[bytes], path: Path, source: SoundReader, mix: Mix | None
    ) -> Decoded | Mix:
        """Write the resampled mono waveform to `sink`; raises UnusableError."""
        rate_hz, wanted_hz = source.sample_rate_hz, self.config.sample_rate_hz
        digest = hashlib.sha256(str(rate_hz).encode())
        activity = self._activity(rate_hz)
        choice = MixChoice(source.channels) if mix is None and source.channels > 1 else None
        mixed = mix or Mix.mean(source.channels)
        frames = samples = 0

        def mono_blocks() -> Iterator[NDArray[np.float32]]:
            nonlocal frames
            for block in source.blocks():
                channels = channels_of(block)
                if choice:
                    choice.add(channels)
                mono = mixed.of(channels)
                digest.update(mono.data)
                activity.add(mono)
                frames += len(mono)
                yield mono

        for part in resample(mono_blocks(), rate_hz, wanted_hz):
            sink.write(part.astype("<f4", copy=False).data)
            samples += len(part)
        if frames / rate_hz < self.config.min_duration_s:
            raise UnusableError(path, Reason.TOO_SHORT, f"{1000 * frames / rate_hz:.1f} ms")
        if 2 * frames * wanted_hz < rate_hz:
            raise UnusableError(path, Reason.TOO_SHORT, "less than a sample")
        if choice and (best := choice.best()).detail:
            return best
        if not activity.has_sound:
            raise UnusableError(path, Reason.SILENT)
        notes = (*source.notes, *([NoteText(Note.MIXED, mix.detail)] if mix else []))
        return Decoded(
            content=digest.hexdigest(),
            samples=samples,
            source_rate_hz=rate_hz,
            channels=source.channels,
            active=activity.windows(samples),
            notes=notes,
        )

    def _refuse_long_silence(self, path: Path, source: SoundReader) -> None:
        """Raise UnusableError for a long silent file before it is written, to save disk space."""
        rate_hz = source.sample_rate_hz
        if source.frames * self.config.sample_rate_hz <= LONG_SAMPLES * rate_hz:
            return
        activity = self._activity(rate_hz)
        with SoundReader(path) as other:
            for block in other.blocks():
                activity.add(loudest_channel(channels_of(block)))
                if activity.has_sound:
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
        """Open a new temporary file; it is deleted at the end unless it was renamed."""
        partial = str(self.folder / f"{uuid.uuid4().hex}.part")
        try:
            with open(partial, "xb") as sink:
                yield partial, sink
        finally:
            with suppress(FileNotFoundError):
                os.unlink(partial)

    def _remove_old_partial_files(self) -> None:
        """Delete old files of killed processes; newer ones may belong to a process at work."""
        for partial in self.folder.glob("*.part"):
            with suppress(FileNotFoundError):
                if time.time() - partial.stat().st_mtime > STALE_S:
                    partial.unlink()


def _state_of(path: Path) -> FileState | None:
    try:
        return FileState.of(path.stat())
    except OSError:
        return None
