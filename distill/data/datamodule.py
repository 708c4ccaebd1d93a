"""split pieces of sounds → loaders of segments for Lightning."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, cast

import lightning
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset

from distill.data.segments import FixedSegments, MovingDraws, Segment, Segments, segments_of
from distill.data.split import NO_SIDES, Sides, Split
from distill.data.whole_sounds import PieceSounds, SegmentSounds, WholeSounds
from distill.model.sizing import FEWEST_SEGMENTS
from distill.settings.schema import DataConfig

FIXED_BATCH_SIZE = 32
MOST_MEASURED = 512
"""Held-out segments that an epoch's figures are measured on, at most, spread evenly over them all.
With those of hours of sound, the end of each epoch would take longer than the epoch.
"""


class ResumableLoader(DataLoader[Segment]):
    """A DataLoader whose state is saved in checkpoints: the epoch, and how many of its batches are
    done.

    The trainer counts the batches that are done; the loader cannot, because its worker processes
    read ahead.
    """

    def __init__(self, *args: Any, trainer: lightning.Trainer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._loop = trainer.fit_loop

    def state_dict(self) -> dict[str, int]:
        """The epoch, and the number of its batches that are done."""
        epochs: Any = self._loop.epoch_progress.current
        return {
            "epoch": epochs.processed,
            "batches": self._loop.epoch_loop.batch_progress.current.ready,
        }

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Continue after the batches that are done."""
        assert isinstance(self.sampler, MovingDraws)
        assert self.batch_size
        self.sampler.epoch = state["epoch"]
        if state["batches"] < len(self):
            self.sampler.skip = state["batches"] * self.batch_size


class _SilentSegment(Dataset[Segment]):
    """One segment with no sound samples, which does not count in any figure."""

    def __init__(self, segments: FixedSegments) -> None:
        self.segments = segments

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Segment:
        segment = self.segments[0]
        return {**segment, "sound_begin": segment["waveform"].shape[-1], "sound_end": 0}


class SegmentDataModule(lightning.LightningDataModule):
    """Training segments at positions that change with each epoch, and fixed validation segments."""

    train: FixedSegments
    val: FixedSegments
    epoch_segments: int
    """Number of segments in a training epoch."""
    held_out_sounds: int | None = None
    """How many sounds the held-out side has; None where that is not known, as with shards."""
    exceptions: Sides = NO_SIDES
    """Sounds that are on another side than their content and the seed say."""

    def __init__(self, config: DataConfig, *, seed: int) -> None:
        super().__init__()
        self.config = config
        self.seed = seed

    def whole_sounds(self, *, held_out: bool) -> WholeSounds:
        """The sounds of one side as wholes; where it has only segments, these."""
        return SegmentSounds(self.val if held_out else self.train)

    def segments_by_class(self, *, held_out: bool) -> dict[str, Sequence[int]]:
        """Class → the indices of its segments on one side; all of them under no name, where the
        sounds have no classes.
        """
        return {"": range(len(self.val if held_out else self.train))}

    def batches_done(self) -> int:
        """How many batches of this epoch the trainer has finished."""
        assert self.trainer is not None
        return self.trainer.fit_loop.epoch_loop.batch_progress.current.ready

    def val_dataloader(self) -> DataLoader[Segment]:
        """The same batches every epoch, this rank's share of them."""
        assert self.trainer is not None
        measured = _evenly(len(self.val), MOST_MEASURED)
        share = measured[self.trainer.global_rank :: self.trainer.world_size]
        # each rank needs a batch: with more ranks than segments, some get one without sound
        val = cast(Dataset[Segment], self.val)
        segments = Subset(val, share) if share else _SilentSegment(self.val)
        return DataLoader(segments, **self._fixed_loading())

    def fixed_train_loader(
        self, segments: int, *, rank: int = 0, ranks: int = 1
    ) -> DataLoader[Segment]:
        """At most this many fixed training segments, spread evenly over the collection, without
        augmentation; with several ranks, this rank's share of them.
        """
        chosen = _evenly(len(self.train), segments)[rank::ranks]
        train = cast(Dataset[Segment], self.train)
        return DataLoader(Subset(train, chosen), **self._fixed_loading())

    def held_out_beginnings(
        self, most: int, *, samples: int, rank: int = 0, ranks: int = 1
    ) -> list[Tensor]:
        """How at most `most` held-out sounds begin, spread evenly over them, each (samples,)
        float32 without the silence before it; with several ranks, this rank's share of them.

        The end of a single sound, where nothing else is held out, counts as a sound.
        """
        parts = min(most, len(self.val))
        found = (
            self.val.beginning(part, parts, samples=samples) for part in range(rank, parts, ranks)
        )
        return [beginning for beginning in found if beginning is not None]

    def _fixed_loading(self) -> dict[str, Any]:
        """Arguments of a loader without training: larger batches fit in memory and are faster."""
        return {"batch_size": max(FIXED_BATCH_SIZE, self.config.batch_size), "shuffle": False}


def _evenly(segments: int, most: int) -> list[int]:
    """Indices of at most `most` of these segments, spread evenly over them."""
    count = min(most, segments)
    return [position * segments // count for position in range(count)]


class SoundDataModule(SegmentDataModule):
    """The pieces of a split, read from the cache."""

    train: Segments
    val: Segments

    def __init__(self, split: Split, config: DataConfig, *, sample_rate_hz: int, seed: int) -> None:
        super().__init__(config, seed=seed)
        self.train, self.val = (
            segments_of(pieces, config, held_out=held_out, sample_rate_hz=sample_rate_hz, seed=seed)
            for pieces, held_out in ((split.train, False), (split.val, True))
        )
        self.held_out_sounds = len(split.val)
        self.exceptions = split.exceptions
        self._classes = split.classes
        self.epoch_segments = config.epoch_segments or max(len(self.train), FEWEST_SEGMENTS)

    def whole_sounds(self, *, held_out: bool) -> WholeSounds:
        """The pieces of one side."""
        return PieceSounds((self.val if held_out else self.train).pieces, self._classes)

    def segments_by_class(self, *, held_out: bool) -> dict[str, Sequence[int]]:
        """By the classes of the pieces."""
        segments, found = self.val if held_out else self.train, defaultdict[str, list[int]](list)
        for index, number in enumerate(segments.piece_of.tolist()):
            found[self._classes[segments.pieces[number].sound.path]].append(index)
        return dict(found)

    def train_dataloader(self) -> ResumableLoader:
        """Batches {"waveform": (B, 1, T), "sound_begin": (B,), "sound_end": (B,),
        "shift_bins": (B,)} of segments that move.
        """
        assert self.trainer is not None
        draws = MovingDraws(
            len(self.train),
            draws=self.epoch_segments,
            batch_size=self.config.batch_size,
            seed=self.seed,
            rank=self.trainer.global_rank,
            ranks=self.trainer.world_size,
        )
        return ResumableLoader(
            self.train,
            sampler=draws,
            trainer=self.trainer,
            batch_size=self.config.batch_size,
            num_workers=self.config.num_workers,
            persistent_workers=self.config.num_workers > 0,
        )
