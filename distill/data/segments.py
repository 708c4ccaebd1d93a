"""pieces of cached waveforms → segments (1, T): random crops for training, fixed ones for
validation.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from distill.data.activity import ACTIVITY_S
from distill.data.split import Piece
from distill.errors import SoundError
from distill.settings.schema import AugmentConfig, DataConfig

REMEDY = "to decode the sounds again, continue the run with resume=last"


class Segment(TypedDict):
    """One segment; a batch has the same keys, with a dimension B in front."""

    waveform: Tensor
    """(1, T) float32, with zeros after the sound's end."""
    sound_samples: int
    """Number of samples before these zeros."""
    shift_bins: int
    """By how many mel bins to move the mel up; 0 for validation."""


@dataclass(frozen=True)
class Draw:
    """Which segment to take, and in which lap through the collection: the lap decides crop and
    augmentation. Lap -1 is the fixed segment without either.
    """

    index: int
    lap: int


@dataclass(frozen=True)
class Crop:
    """Where a segment begins, and how it is changed."""

    start: int
    lead: int = 0
    """Number of zeros before the sound."""
    gain: float = 1.0
    shift_bins: int = 0


def random_crop(
    start: int,
    *,
    low: int,
    high: int,
    length: int,
    sample_rate_hz: int,
    augment: AugmentConfig,
    random: np.random.Generator,
) -> Crop:
    """The start of a fixed segment → a random crop near it, within the piece's samples [low, high),
    with augmentation.
    """
    start += int(random.uniform(-0.5, 0.5) * length)
    start = max(low, min(start, high - length))
    if not augment.enabled:
        return Crop(start)
    gain = 10 ** (augment.gain_db * random.uniform(-1, 1) / 20)
    if augment.flip_polarity and random.random() < 0.5:
        gain = -gain
    room = max(0, length - (high - start))
    room = min(room, int(augment.shift_s * sample_rate_hz))
    bins = int(random.integers(-augment.shift_bins, augment.shift_bins + 1))
    lead = int(random.integers(0, room + 1))
    return Crop(start, lead, gain, bins)


def cut_segment(
    crop: Crop, *, high: int, length: int, read: Callable[[int, np.ndarray], None]
) -> Segment:
    """A crop of a piece that ends at `high` → the segment; `read(start, samples)` fills an array
    with the samples of the sound from `start`.
    """
    padded = np.empty((1, length), np.float32)
    sound_samples = crop.lead + min(length - crop.lead, high - crop.start)
    read(crop.start, padded[0, crop.lead : sound_samples])
    padded[0, crop.lead : sound_samples] *= np.float32(crop.gain)
    padded[0, : crop.lead] = padded[0, sound_samples:] = 0
    return {
        "waveform": torch.from_numpy(padded),
        "sound_samples": sound_samples,
        "shift_bins": crop.shift_bins,
    }


class Segments(Dataset[Segment]):
    """The segments of one side that are not silent, all of one length. A segment depends only on
    its draw and the seed, not on the order in which segments are read.
    """

    def __init__(
        self,
        pieces: Sequence[Piece],
        *,
        segment_samples: int,
        sample_rate_hz: int,
        seed: int,
        augment: AugmentConfig,
    ) -> None:
        self.pieces = pieces
        self.segment_samples = segment_samples
        self.sample_rate_hz = sample_rate_hz
        self.seed = seed
        self.augment = augment
        starts = [_active_starts(piece, segment_samples, sample_rate_hz) for piece in pieces]
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
        crop = Crop(start)
        if draw.lap >= 0:
            crop = random_crop(
                start,
                low=piece.start,
                high=piece.stop,
                length=self.segment_samples,
                sample_rate_hz=self.sample_rate_hz,
                augment=self.augment,
                random=np.random.default_rng((self.seed, draw.lap, draw.index)),
            )
        return cut_segment(
            crop,
            high=piece.stop,
            length=self.segment_samples,
            read=lambda first, samples: read_waveform(piece.sound.waveform, first, samples),
        )

    def sounding_samples(self) -> int:
        """Samples of all fixed segments together, without padding; no file is read."""
        stops = np.array([piece.stop for piece in self.pieces])[self.piece_of]
        return int(np.minimum(self.segment_samples, stops - self.starts).sum())

    def name(self, index: int) -> str:
        """Name of the file that a segment comes from."""
        return str(os.path.basename(self.pieces[self.piece_of[index]].sound.path))


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
    """The draws of an epoch: laps through all segments, each in a new order, cut so that every rank
    gets the same number of full batches.

    `epoch` and `skip` are all its state: a run that continues in the middle of an epoch skips the
    draws that are done.
    """

    def __init__(
        self,
        segments: int,
        *,
        at_least: int,
        batch_size: int,
        seed: int,
        rank: int = 0,
        ranks: int = 1,
    ) -> None:
        together = batch_size * ranks
        self.segments, self.seed, self.rank, self.ranks = segments, seed, rank, ranks
        self.draws = -(-max(segments, at_least) // together) * together
        self.laps = -(-self.draws // segments)
        self.epoch = 0
        self.skip = 0

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch; Lightning calls this before each one."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.draws // self.ranks

    def __iter__(self) -> Iterator[Draw]:
        skipped, self.skip = self.skip, 0
        orders = []
        for lap in range(self.epoch * self.laps, (self.epoch + 1) * self.laps):
            order = np.random.default_rng((self.seed, lap)).permutation(self.segments)
            orders += [Draw(int(index), lap) for index in order]
        yield from orders[: self.draws][self.rank :: self.ranks][skipped:]


def segments_of(
    pieces: Sequence[Piece], config: DataConfig, *, sample_rate_hz: int, seed: int
) -> Segments:
    """The segments of one side, cut by the settings."""
    return Segments(
        pieces,
        segment_samples=round(config.segment_s * sample_rate_hz),
        sample_rate_hz=sample_rate_hz,
        seed=seed,
        augment=config.augment,
    )


def _active_starts(piece: Piece, segment_samples: int, sample_rate_hz: int) -> np.ndarray:
    """Starts of the piece's segments that hold sound; the first one if all are silent."""
    starts = np.arange(piece.start, piece.stop, segment_samples)
    step = int(ACTIVITY_S * sample_rate_hz)
    active = np.frombuffer(piece.sound.active, np.uint8)
    ends = np.minimum(starts + segment_samples, piece.stop)
    has_sound = np.array(
        [active[i // step : -(-j // step)].any() for i, j in zip(starts, ends, strict=True)]
    )
    return starts[has_sound] if has_sound.any() else starts[:1]


def shift_mel_bins(mel: Tensor, bins: Tensor) -> Tensor:
    """Move each mel of (B, 1, M, F) up by its number of bins (B,); the edge bin is repeated."""
    count = mel.shape[2]
    source = (torch.arange(count, device=mel.device) - bins[:, None]).clamp(0, count - 1)
    return mel.gather(2, source[:, None, :, None].expand_as(mel))
