"""pieces of cached waveforms → segments (1, T): random crops for training, fixed ones for
validation. In both, a sound begins anywhere in a segment.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypedDict

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from distill.data.activity import ACTIVITY_S
from distill.data.beginnings import cut_beginning
from distill.data.crops import Crop, fixed_training_crop, random_crop
from distill.data.own_augmentations import augmented
from distill.data.split import Piece
from distill.errors import SoundError
from distill.settings.schema import AugmentConfig, DataConfig

LEAD_STEP = (5**0.5 - 1) / 2
"""From one held-out sound to the next, its beginning moves on by this share of a segment, modulo 1.
With the golden ratio, any number of beginnings is spread evenly.
"""
REMEDY = "to decode the sounds again, continue the run with resume=last"


class Segment(TypedDict):
    """One segment; a batch has the same keys, with a dimension B in front."""

    waveform: Tensor
    """(1, T) float32, with zeros before the sound's beginning and after its end."""
    sound_begin: int
    """Sample at which the sound begins."""
    sound_end: int
    """Sample at which the zeros after the sound begin."""
    shift_bins: int
    """By how many mel bins to move the mel up; 0 for validation."""


class FixedSegments(Protocol):
    """One side of the collection, cut into segments that are the same every time."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Segment: ...

    def sounding_samples(self) -> int:
        """Samples of the sounds in all segments together, without padding."""

    def name(self, index: int) -> str:
        """Name of the file that a segment comes from."""

    def beginning(self, part: int, parts: int, *, samples: int) -> Tensor | None:
        """How the first sound in one of the equal parts of this side begins, (samples,), without
        the silence before it; None if there is none to be found.
        """


@dataclass(frozen=True)
class Draw:
    """Which segment to take, and in which lap through the collection: the lap decides crop and
    augmentation. Lap -1 is the fixed segment, without augmentation.
    """

    index: int
    lap: int


def cut_segment(
    crop: Crop, *, low: int, high: int, length: int, read: Callable[[int, np.ndarray], None]
) -> Segment:
    """A crop of the piece [low, high) → the segment; `read(start, samples)` fills an array with the
    samples of the sound from `start`.
    """
    padded = np.empty((1, length), np.float32)
    begin, end = max(0, low - crop.start), min(length, high - crop.start)
    read(crop.start + begin, padded[0, begin:end])
    padded[0, begin:end] *= np.float32(crop.gain)
    padded[0, :begin] = padded[0, end:] = 0
    return {
        "waveform": torch.from_numpy(padded),
        "sound_begin": begin,
        "sound_end": end,
        "shift_bins": crop.shift_bins,
    }


class Segments(Dataset[Segment]):
    """The segments of one side that are not silent, all of one length. A segment depends only on
    its draw and the seed, not on the order in which segments are read.

    The fixed segments of the held-out side hold each sample once: the first one of each sound
    begins with a silence of its own length, and where that moves the end out, another one has it.
    """

    def __init__(
        self,
        pieces: Sequence[Piece],
        *,
        held_out: bool,
        segment_samples: int,
        sample_rate_hz: int,
        seed: int,
        augment: AugmentConfig,
    ) -> None:
        self.held_out = held_out
        self.pieces = pieces
        self.segment_samples = segment_samples
        self.sample_rate_hz = sample_rate_hz
        self.seed = seed
        self.augment = augment
        starts = [
            _active_starts(
                piece,
                segment_samples,
                sample_rate_hz,
                lead=_fixed_lead(number, piece, segment_samples) if held_out else 0,
            )
            for number, piece in enumerate(pieces)
        ]
        # two flat arrays instead of a list of objects: 16 bytes a segment, shared with worker
        # processes
        self.starts = np.concatenate(starts)
        self.piece_of = np.repeat(np.arange(len(pieces)), [len(start) for start in starts])

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, draw: Draw | int) -> Segment:
        """The segment of a Draw; for a plain index, the fixed segment."""
        draw = Draw(draw, -1) if isinstance(draw, int) else draw
        piece, start = self.pieces[self.piece_of[draw.index]], int(self.starts[draw.index])
        low, high, length = piece.start, piece.stop, self.segment_samples
        if self.held_out:
            crop = Crop(start)
        elif draw.lap < 0:
            crop = fixed_training_crop(start, low=low, high=high, length=length, index=draw.index)
        else:
            random = np.random.default_rng((self.seed, draw.lap, draw.index))
            crop = random_crop(
                start, low=low, high=high, length=length, augment=self.augment, random=random
            )
        segment = cut_segment(
            crop,
            low=low,
            high=high,
            length=length,
            read=lambda first, samples: read_waveform(piece.sound.waveform, first, samples),
        )
        if not self.held_out and draw.lap >= 0:
            segment["waveform"] = augmented(
                segment["waveform"], self.augment, random, sample_rate_hz=self.sample_rate_hz
            )
        return segment

    def sounding_samples(self) -> int:
        """Samples of the sounds in all segments that tile them, without padding; no file is
        read.
        """
        low, high = np.array([(piece.start, piece.stop) for piece in self.pieces])[self.piece_of].T
        stops = np.minimum(self.starts + self.segment_samples, high)
        return int((stops - np.maximum(self.starts, low)).sum())

    def name(self, index: int) -> str:
        """Name of the file that a segment comes from."""
        return str(os.path.basename(self.pieces[self.piece_of[index]].sound.path))

    def beginning(self, part: int, parts: int, *, samples: int) -> Tensor | None:
        """How the first piece in one of the equal parts of this side begins, (samples,); None if
        there is no piece in it, or no audible one.
        """
        number, after = (each * len(self.pieces) // parts for each in (part, part + 1))
        if number == after:
            return None
        piece = self.pieces[number]
        start = int(self.starts[np.searchsorted(self.piece_of, number)])
        first = max(piece.start, start)
        stop = min(piece.stop, start + self.segment_samples + samples)
        waveform = np.empty(stop - first, np.float32)
        read_waveform(piece.sound.waveform, first, waveform)
        return cut_beginning(waveform, samples=samples)


def read_waveform(path: Path, first: int, samples: np.ndarray) -> None:
    """Fill `samples` float32 from a cached waveform; raises SoundError if the file is missing or
    too short.
    """
    wanted = samples.data.cast("B")
    try:
        with open(path, "rb", buffering=0) as file:  # cheaper than a memory map
            file.seek(4 * first)
            done = file.readinto(wanted)
    except OSError as error:
        raise SoundError(f"{path}: {error.strerror}; {REMEDY}") from error
    if done != len(wanted):
        raise SoundError(f"{path}: is shorter than before; {REMEDY}")


class MovingDraws(Sampler[Draw]):
    """The draws of an epoch: at least `draws`, so that every rank gets the same number of full
    batches. They are laps through all segments, each in a new order; an epoch goes on where the
    one before it ended.

    `epoch` and `skip` are all its state: a run that continues in the middle of an epoch skips the
    draws that are done.
    """

    def __init__(
        self,
        segments: int,
        *,
        draws: int,
        batch_size: int,
        seed: int,
        rank: int = 0,
        ranks: int = 1,
    ) -> None:
        together = batch_size * ranks
        self.segments, self.seed, self.rank, self.ranks = segments, seed, rank, ranks
        self.draws = -(-draws // together) * together
        self.epoch = 0
        self.skip = 0

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch; Lightning calls this before each one."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.draws // self.ranks

    def __iter__(self) -> Iterator[Draw]:
        skipped, self.skip = self.skip, 0
        first = self.epoch * self.draws
        begun, offset = divmod(first, self.segments)
        orders = []
        for lap in range(begun, -(-(first + self.draws) // self.segments)):
            order = np.random.default_rng((self.seed, lap)).permutation(self.segments)
            orders += [Draw(int(index), lap) for index in order]
        drawn = orders[offset : offset + self.draws]
        yield from drawn[self.rank :: self.ranks][skipped:]


def segments_of(
    pieces: Sequence[Piece],
    config: DataConfig,
    *,
    held_out: bool,
    sample_rate_hz: int,
    seed: int,
) -> Segments:
    """The segments of one side, cut by the settings."""
    return Segments(
        pieces,
        held_out=held_out,
        segment_samples=round(config.segment_s * sample_rate_hz),
        sample_rate_hz=sample_rate_hz,
        seed=seed,
        augment=config.augment,
    )


def _fixed_lead(number: int, piece: Piece, segment_samples: int) -> int:
    """Zeros before the first fixed segment of a side's piece with this number. A piece that begins
    within its sound has none: silence before it would be a beginning that the sound does not have.
    """
    return 0 if piece.start else int(number * LEAD_STEP % 1 * segment_samples)


def _active_starts(
    piece: Piece, segment_samples: int, sample_rate_hz: int, *, lead: int
) -> np.ndarray:
    """Starts of the piece's segments that hold sound, of which the first begins with `lead` zeros;
    the first one if all are silent.
    """
    starts = np.arange(piece.start - lead, piece.stop, segment_samples)
    step = int(ACTIVITY_S * sample_rate_hz)
    active = np.frombuffer(piece.sound.active, np.uint8)
    begins = np.maximum(starts, piece.start)
    ends = np.minimum(starts + segment_samples, piece.stop)
    has_sound = np.array(
        [active[i // step : -(-j // step)].any() for i, j in zip(begins, ends, strict=True)]
    )
    return starts[has_sound] if has_sound.any() else starts[:1]


def shift_mel_bins(mel: Tensor, bins: Tensor) -> Tensor:
    """Move each mel of (B, 1, M, F) up by its number of bins (B,); the edge bin is repeated."""
    count = mel.shape[2]
    source = (torch.arange(count, device=mel.device) - bins[:, None]).clamp(0, count - 1)
    return mel.gather(2, source[:, None, :, None].expand_as(mel))
