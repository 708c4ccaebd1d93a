"""a split collection → the manifest of its shards, `distill.json`, which a run reads first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypedDict

import numpy as np

from distill.system.atomic import write_text
from distill.system.ranges import within

if TYPE_CHECKING:
    from distill.data.collection import Collection
    from distill.data.segments import Segments
    from distill.settings.schema import DataConfig

MANIFEST = "distill.json"
VERSION = 1
SIDES = ("train", "val")


class Item(TypedDict):
    """A segment in a shard, with the samples on either side that a random crop can reach."""

    samples: np.ndarray
    """(n,) float32."""
    first: int
    """Where they begin, in samples of the whole sound."""
    start: int
    """Where the fixed segment begins, in samples of the whole sound."""
    low: int
    """Where the piece begins."""
    high: int
    """Where the piece ends."""
    index: int
    name: str


@dataclass(frozen=True)
class Manifest:
    """What a run needs to know about the shards."""

    version: int
    name: str
    folders: tuple[str, ...]
    files: int
    duration_s: float
    fingerprint: str
    sample_rate_hz: int = field(metadata=within(1, 10**6))
    segment_s: float = field(metadata=within(0, 3600, strictly_above=True))
    val_fraction: float = field(metadata=within(0, 1))
    seed: int
    segments: dict[str, int]
    """Side → number of segments."""
    sounding_samples: dict[str, int]
    """Side → samples of all its segments together, without padding."""

    @classmethod
    def of(
        cls,
        collection: Collection,
        sides: Mapping[str, Segments],
        config: DataConfig,
        *,
        seed: int,
    ) -> Self:
        """The manifest of a collection whose sounds were split into `sides` by these settings."""
        return cls(
            version=VERSION,
            name=collection.name,
            folders=collection.folders,
            files=collection.files,
            duration_s=collection.duration_s,
            fingerprint=collection.fingerprint,
            sample_rate_hz=collection.sample_rate_hz,
            segment_s=config.segment_s,
            val_fraction=config.val_fraction,
            seed=seed,
            segments={side: len(segments) for side, segments in sides.items()},
            sounding_samples={side: part.sounding_samples() for side, part in sides.items()},
        )

    def write_report(self, path: Path) -> None:
        """Write it as JSON; as the manifest, and as the report of a run."""
        write_text(path, json.dumps(asdict(self), indent=1, ensure_ascii=False))
