"""sound file → waveform chunks (C, t) for a model; the file can be read several times."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from distill.audio.chunks import chunks_of
from distill.audio.mono import channels_of, mix_whole
from distill.audio.reader import SoundReader
from distill.audio.reasons import Note

log = logging.getLogger(__name__)


@dataclass
class SoundFile:
    """A sound file that can be read several times."""

    path: Path
    sample_rate_hz: int
    channels: int
    samples: int
    """Samples of each channel, as the header says; the file can hold more or fewer."""
    made_with: str | None = None
    """The model, if distill made this file."""
    _is_noted: bool = field(default=False, init=False, repr=False, compare=False)

    @classmethod
    def open(cls, path: Path) -> SoundFile:
        """Read the header; raises UnusableError for a file that is not a sound."""
        with SoundReader(path) as reader:
            rate_hz, channels = reader.sample_rate_hz, reader.channels
            return cls(path, rate_hz, channels, reader.frames, reader.made_with)

    @property
    def duration_s(self) -> float:
        """Duration, as the header says."""
        return self.samples / self.sample_rate_hz

    def blocks(self, progress: Callable[[float], None] = lambda s: None) -> Iterator[Tensor]:
        """Chunks (C, t) float32 of the whole file; memory does not grow with its length.

        `progress` is called with the seconds of each chunk. What is unusual about the file is
        logged as a warning, once. Raises UnusableError for a file of which nothing can be read, or
        whose samples are not finite or much too large.
        """
        return chunks_of(self._read(progress))

    def mono(self) -> NDArray[np.float32]:
        """All samples (T,) in one channel, mixed as for training. What is unusual about that is
        logged, too. Raises UnusableError like `blocks`.
        """
        mixed, detail = mix_whole(channels_of(np.concatenate(list(self._read(lambda s: None)))))
        if detail:
            log.warning("%s: %s", self.path, Note.MIXED.text(detail))
        return mixed

    def _read(self, progress: Callable[[float], None]) -> Iterator[NDArray[np.float32]]:
        with SoundReader(self.path) as reader:
            for block in reader.blocks():
                progress(len(block) / self.sample_rate_hz)
                yield block
        if not self._is_noted:
            self._is_noted = True
            for note in reader.notes:
                log.warning("%s: %s", self.path, note.text)
