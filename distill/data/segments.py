"""pieces of cached waveforms → segments (1, T): moving and augmented for training, fixed for
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

REMEDY = "sounds are decoded again when the run is started again, with resume=last"


class Segment(TypedDict):
    """One item; a batch has the same keys with B in front."""

    waveform: Tensor
    """(1, T) float32, zeros after the sound's end."""
    sound_samples: int
    """Samples before those zeros."""
    shift_bins: int
    """How far to move the mel picture up; 0 for validation."""


@dataclass(frozen=True)
class Draw:
    """Which segment to take, and the lap through the collection that decides crop and augmentation;
    -1: neither.
    """

    index: int
    lap: int


@dataclass(frozen=True)
class Crop:
    """Where a segment begins in its piece, and what is done to it."""

    start: int
    lead: int = 0
    """Zeros before the sound."""
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
    """A fixed start → a crop near it within the piece's samples [low, high), augmented."""
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
    """A crop of a piece that ends at `high` → the segment; `read` fills an array with the piece's
    samples from a start.
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
    """Non-silent segments of equal length; an item is a pure function of (draw, seed), whoever asks
    for it.
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
        """Segment at a Draw; at a plain index, the fixed one."""
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
        """Samples of all fixed segments together that are not padding, without reading any."""
        stops = np.array([piece.stop for piece in self.pieces])[self.piece_of]
        return int(np.minimum(self.segment_samples, stops - self.starts).sum())

    def name(self, index: int) -> str:
        """The file that a fixed segment is from."""
        return str(os.path.basename(self.pieces[self.piece_of[index]].sound.path))


def read_waveform(path: Path, first: int, samples: np.ndarray) -> None:
    """Fill `samples` float32 from a cached waveform; raises SoundError if it is not there whole."""
    wanted = samples.data.cast("B")
    try:
        with open(path, "rb", buffering=0) as file:  # cheaper than a memory map
            file.seek(4 * first)
            done = file.readinto(wanted)
    except OSError as error:
        raise SoundError(f"{path}: {error.strerror}; {REMEDY}") from error
    if done != len(wanted):
        raise SoundError(f"{path}: is shorter than it was; {REMEDY}")


class MovingDraws(Sampler[Draw]):
    """An epoch's draws: whole laps through the segments in new order, filled up to whole batches on
    every rank.

    `epoch` and `skip` are the whole state: a run that continues in the middle of an epoch draws
    what was left of it.
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
        """Called by Lightning before each epoch."""
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
    """The segments of a side, as the settings have them."""
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
    heard = np.array(
        [active[i // step : -(-j // step)].any() for i, j in zip(starts, ends, strict=True)]
    )
    return starts[heard] if heard.any() else starts[:1]


def shift_mel_bins(mel: Tensor, bins: Tensor) -> Tensor:
    """Move each mel of (B, 1, M, F) up by its number of bins (B,); the edge bin is repeated."""
    count = mel.shape[2]
    source = (torch.arange(count, device=mel.device) - bins[:, None]).clamp(0, count - 1)
    return mel.gather(2, source[:, None, :, None].expand_as(mel))
