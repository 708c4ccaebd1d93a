"""LitData shards in a folder or object store → the segments that a run trains on."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from litdata import StreamingDataLoader, StreamingDataset
from litdata.streaming.downloader import get_downloader
from litdata.streaming.sampler import ChunkedIndex
from torch import Tensor
from torch.utils.data import Dataset

from distill.data.beginnings import cut_beginning
from distill.data.crops import Crop, fixed_training_crop, random_crop
from distill.data.datamodule import SegmentDataModule
from distill.data.manifest import MANIFEST, SIDES, VERSION, Item, Manifest
from distill.data.own_augmentations import augmented
from distill.data.segments import Segment, cut_segment
from distill.errors import CollectionError
from distill.settings.schema import AugmentConfig, DataConfig
from distill.system.paths import is_address
from distill.system.shell import command_of
from distill.system.validation import instance_of

MOST_SEGMENTS_READ = 32
"""How many segments are read at most to find one with which a sound begins."""


def read_manifest(root: str) -> Manifest:
    """Read the manifest of shards in a folder or at an object store's address; raises
    CollectionError.
    """
    try:
        with tempfile.TemporaryDirectory() as fetched:
            path = Path(fetched, MANIFEST)
            get_downloader(root, fetched, []).download_file(
                f"{root.rstrip('/')}/{MANIFEST}", str(path)
            )
            content = json.loads(path.read_text("utf-8"))
        if content["version"] != VERSION:
            raise CollectionError(
                f"data.root={root}: these shards are of another version of distill; "
                f"write them again with {command_of('shard')}"
            )
        return instance_of(Manifest, content)
    except CollectionError:
        raise
    except Exception as error:  # each store's client has its own kinds of errors
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise CollectionError(
            f"data.root={root}: no shards found ({MANIFEST} cannot be read: {reason}); "
            f"to write them: {command_of('shard')} FOLDER OUT"
        ) from error


class FixedShards(Dataset[Segment]):
    """The fixed segments of one side in order, the same as those of `Segments`."""

    def __init__(self, root: str, side: str, manifest: Manifest, cache_dir: str | None) -> None:
        self.root, self.side, self.manifest = root, side, manifest
        self.cache_dir = cache_dir
        self.segment_samples = round(manifest.segment_s * manifest.sample_rate_hz)

    @cached_property
    def _items(self) -> StreamingDataset:
        return StreamingDataset(_address(self.root, self.side), cache_dir=self.cache_dir)

    def __len__(self) -> int:
        return self.manifest.segments[self.side]

    def __getitem__(self, index: int) -> Segment:
        item: Item = self._items[index]
        crop = Crop(item["start"])
        if self.side == "train":
            crop = fixed_training_crop(
                item["start"],
                low=item["low"],
                high=item["high"],
                length=self.segment_samples,
                index=item["index"],
            )
        return _segment(item, crop, self.segment_samples)

    def sounding_samples(self) -> int:
        """Samples of the sounds in all segments together, without padding."""
        return self.manifest.sounding_samples[self.side]

    def name(self, index: int) -> str:
        """Name of the file that a segment comes from."""
        return str(self._items[index]["name"])

    def beginning(self, part: int, parts: int, *, samples: int) -> Tensor | None:
        """How the first piece in one of the equal parts of this side begins, (samples,); None if
        none of the part's first segments begins one, or none that is audible.
        """
        first, after = (each * len(self) // parts for each in (part, part + 1))
        for index in range(first, min(after, first + MOST_SEGMENTS_READ)):
            item: Item = self._items[index]
            if item["start"] <= item["low"]:
                return cut_beginning(self._whole(item, index), samples=samples)
        return None

    def _whole(self, item: Item, index: int) -> np.ndarray:
        """The samples of an item and, if it is followed directly by the next, of that."""
        end = item["first"] + len(item["samples"])
        if end < item["high"] and index + 1 < len(self):
            after: Item = self._items[index + 1]
            if after["first"] == end and after["high"] == item["high"]:
                return np.concatenate([item["samples"], after["samples"]])
        return item["samples"]


class MovingShards(StreamingDataset):  # type: ignore[misc]
    """Random crops of the training side, in a new order each epoch, with augmentation. Each rank
    and each worker process reads its own shards.
    """

    def __init__(
        self,
        root: str,
        manifest: Manifest,
        cache_dir: str | None,
        *,
        augment: AugmentConfig,
        seed: int,
    ) -> None:
        super().__init__(
            _address(root, "train"), cache_dir=cache_dir, shuffle=True, drop_last=True, seed=seed
        )
        self.manifest, self.augment, self.crop_seed = manifest, augment, seed
        self.segment_samples = round(manifest.segment_s * manifest.sample_rate_hz)

    def __getitem__(self, index: ChunkedIndex | int) -> Segment:
        item: Item = super().__getitem__(index)
        random = np.random.default_rng((self.crop_seed, self.current_epoch, item["index"]))
        crop = random_crop(
            item["start"],
            low=item["low"],
            high=item["high"],
            length=self.segment_samples,
            augment=self.augment,
            random=random,
        )
        segment = _segment(item, crop, self.segment_samples)
        segment["waveform"] = augmented(
            segment["waveform"], self.augment, random, sample_rate_hz=self.manifest.sample_rate_hz
        )
        return segment


class ResumableStream(StreamingDataLoader):  # type: ignore[misc]
    """LitData's loader, which continues after the batches that the trainer has finished; batches
    that were only read ahead are read again. Its state at the end of an epoch is the beginning of
    the next one.
    """

    def __init__(self, *args: Any, batches_done: Callable[[], int] | None, **kwargs: Any) -> None:
        """Without a trainer, `batches_done` is None: every batch that was read counts as done."""
        super().__init__(*args, **kwargs)
        self._batches_done = batches_done

    def __iter__(self) -> Iterator[Segment]:
        for batch in super().__iter__():
            self.restore = False  # restore only once, even if the epoch is not read to its end
            yield batch

    def state_dict(self) -> dict[str, Any]:
        """LitData's state after the last batch that is done."""
        state: dict[str, Any] = super().state_dict()
        if self._batches_done is None:
            return state
        batches = self._batches_done()
        samples = batches * self.batch_size
        return {
            **state,
            "dataset": self.dataset.state_dict(samples, self.num_workers, self.batch_size),
            "num_samples_yielded": samples,
            "latest_worker_idx": (batches - 1) % max(1, self.num_workers),
        }

    def load_state_dict(self, obj: dict[str, Any]) -> None:
        """Continue after the batches that are done."""
        if obj["num_samples_yielded"] >= len(self) * self.batch_size:
            self.current_epoch = obj["current_epoch"]
        else:
            super().load_state_dict(obj)
            self.restore = True


class StreamingDataModule(SegmentDataModule):
    """Loads segments from shards; an epoch uses each of them once."""

    def __init__(self, root: str, manifest: Manifest, config: DataConfig, *, seed: int) -> None:
        super().__init__(config, seed=seed)
        self.root, self.manifest = root, manifest
        self.cache_dir = os.path.abspath(config.cache_dir) if is_address(root) else None
        self.train, self.val = (FixedShards(root, side, manifest, self.cache_dir) for side in SIDES)
        self.epoch_segments = len(self.train)

    def train_dataloader(self) -> ResumableStream:
        """Batches like those of SoundDataModule."""
        moving = MovingShards(
            self.root,
            self.manifest,
            self.cache_dir,
            augment=self.config.augment,
            seed=self.seed,
        )
        return ResumableStream(
            moving,
            batches_done=self.batches_done if self.trainer else None,
            batch_size=self.config.batch_size,
            num_workers=self.config.num_workers,
        )


def _segment(item: Item, crop: Crop, length: int) -> Segment:
    def read(first: int, samples: np.ndarray) -> None:
        offset = first - item["first"]
        samples[:] = item["samples"][offset : offset + len(samples)]

    return cut_segment(crop, low=item["low"], high=item["high"], length=length, read=read)


def _address(root: str, side: str) -> str:
    return f"{root.rstrip('/')}/{side}"
