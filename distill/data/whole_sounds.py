"""one side of a collection → its sounds as wholes, read in any part, with the class of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from distill.data.segments import FixedSegments, read_waveform
from distill.data.split import Piece
from distill.system.names import name_key


class WholeSounds(Protocol):
    """The sounds of one side."""

    def __len__(self) -> int: ...

    def samples(self, index: int, /) -> int:
        """Length of a sound, at the collection's sample rate."""

    def name(self, index: int, /) -> str:
        """Path of the sound's file from the folder that tells it apart, with `/` between its parts,
        such as `kicks/deep.wav`.
        """

    def class_name(self, index: int, /) -> str:
        """Class of a sound; empty if it has none."""

    def read(self, index: int, first: int, count: int, /) -> Tensor:
        """Samples of a sound from `first` on, (count,) float32, with zeros before its beginning and
        after its end. Raises SoundError.
        """


class PieceSounds:
    """The pieces of a split, each a sound, nearly always a whole file."""

    def __init__(self, pieces: Sequence[Piece], classes: Mapping[str, str]) -> None:
        """`classes` are those of the sounds' paths."""
        self._pieces, self._classes = pieces, classes

    def __len__(self) -> int:
        return len(self._pieces)

    def samples(self, index: int) -> int:
        """Length of the piece."""
        piece = self._pieces[index]
        return piece.stop - piece.start

    def name(self, index: int) -> str:
        """The folder that the sound's class is named for, and the path of the file from there."""
        parts = PurePath(self._pieces[index].sound.path).parts
        key = name_key(self.class_name(index))
        counts = (n for n in range(2, len(parts) + 1) if name_key(parts[-n]) == key)
        return "/".join(parts[-next(counts, 2) :])

    def class_name(self, index: int) -> str:
        """Class of the sound."""
        return self._classes[self._pieces[index].sound.path]

    def read(self, index: int, first: int, count: int) -> Tensor:
        """Samples of the piece, from the cache."""
        piece, samples = self._pieces[index], np.zeros(count, np.float32)
        begin, end = max(0, first), min(first + count, self.samples(index))
        if begin < end:
            part = samples[begin - first : end - first]
            read_waveform(piece.sound.waveform, piece.start + begin, part)
        return torch.from_numpy(samples)


class SegmentSounds:
    """Segments, each taken for a sound that is as long as all are, with silence at its end: shards
    hold nothing longer, and no folders. To know how long each sound is, all would have to be read.
    """

    def __init__(self, segments: FixedSegments) -> None:
        self._segments = segments
        self._samples = segments[0]["waveform"].shape[-1]

    def __len__(self) -> int:
        return len(self._segments)

    def samples(self, index: int) -> int:
        """Length of a segment."""
        return self._samples

    def name(self, index: int) -> str:
        """Name of the file."""
        return self._segments.name(index)

    def class_name(self, index: int) -> str:
        """None."""
        return ""

    def read(self, index: int, first: int, count: int) -> Tensor:
        """Samples of the segment's sound, from its beginning."""
        segment = self._segments[index]
        sound = segment["waveform"][0, segment["sound_begin"] : segment["sound_end"]]
        samples = torch.zeros(count)
        begin, end = max(0, first), min(first + count, len(sound))
        if begin < end:
            samples[begin - first : end - first] = sound[begin:end]
        return samples
