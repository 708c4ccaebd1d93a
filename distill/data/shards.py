"""Segments of a split → LitData shards in a folder.

Imports little: each process that writes imports it anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypedDict

import numpy as np
from litdata import optimize

from distill.data.segments import Segments, read_waveform
from distill.system.atomic import write_text
from distill.system.ranges import within

MANIFEST = "distill.json"
VERSION = 1
SHARD_BYTES = 1 << 26
SIDES = ("train", "val")


@dataclass(frozen=True)
class Manifest:
    """What a run needs to know of the shards besides what is in them; `distill.json`."""

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
    """Side → how many."""
    sounding_samples: dict[str, int]

    def write_report(self, path: Path) -> None:
        """As JSON."""
        write_text(path, json.dumps(asdict(self), indent=1, ensure_ascii=False))


class Item(TypedDict):
    """A segment with as much of its piece to either side as a moved crop can reach."""

    samples: np.ndarray
    """(n,) float32."""
    first: int
    """Where in the piece's sound they begin."""
    start: int
    """Where the fixed segment does."""
    low: int
    high: int
    """The piece."""
    index: int
    name: str


class _Window(TypedDict):
    """An item whose samples are still in the cache; of plain values, which LitData notes to go on
    by.
    """

    waveform: str
    first: int
    last: int
    start: int
    low: int
    high: int
    index: int
    name: str


def write_shards(
    sides: Mapping[str, Segments], manifest: Manifest, out: Path, *, workers: int
) -> None:
    """Write both sides, going on where an interrupted call for the same sounds stopped.

    The manifest comes last: a folder that has one is whole.
    """
    for side, segments in sides.items():
        if (out / side / "index.json").exists():
            continue
        optimize(
            fn=_item,
            inputs=[_window(segments, index, side == "train") for index in range(len(segments))],
            output_dir=str(out / side),
            chunk_bytes=SHARD_BYTES,
            num_workers=workers,
            use_checkpoint=True,
            keep_data_ordered=True,
            verbose=False,
        )
    manifest.write_report(out / MANIFEST)


def _window(segments: Segments, index: int, moving: bool) -> _Window:
    piece, start = segments.pieces[segments.piece_of[index]], int(segments.starts[index])
    length = segments.segment_samples
    first, last = start, min(piece.stop, start + length)
    if moving:
        first = max(piece.start, min(start - length // 2, piece.stop - length))
        last = min(piece.stop, start + length + length // 2)
    return {
        "waveform": str(piece.sound.waveform),
        "first": first,
        "last": last,
        "start": start,
        "low": piece.start,
        "high": piece.stop,
        "index": index,
        "name": segments.name(index),
    }


def _item(window: _Window) -> Item:
    samples = np.empty(window["last"] - window["first"], np.float32)
    read_waveform(Path(window["waveform"]), window["first"], samples)
    return {
        "samples": samples,
        "first": window["first"],
        "start": window["start"],
        "low": window["low"],
        "high": window["high"],
        "index": window["index"],
        "name": window["name"],
    }
