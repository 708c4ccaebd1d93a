"""segments of a split → LitData shards in a folder.

Imports little, because each process that writes shards imports this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

import numpy as np
from litdata import optimize

from distill.data.manifest import MANIFEST, Item, Manifest
from distill.data.segments import Segments, read_waveform

SHARD_BYTES = 1 << 26


class _Window(TypedDict):
    """An item before its samples are read from the cache. All its values are plain: LitData
    compares them to find where to continue.
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
    """Write the shards of both sides; after an interruption, the same call continues.

    The manifest is written last: a folder with a manifest is complete.
    """
    for side, segments in sides.items():
        if (out / side / "index.json").exists():
            continue
        optimize(
            fn=_item,
            inputs=[_window(segments, index) for index in range(len(segments))],
            output_dir=str(out / side),
            chunk_bytes=SHARD_BYTES,
            num_workers=workers,
            use_checkpoint=True,
            keep_data_ordered=True,
            verbose=False,
        )
    manifest.write_report(out / MANIFEST)


def _window(segments: Segments, index: int) -> _Window:
    piece, start = segments.pieces[segments.piece_of[index]], int(segments.starts[index])
    length = segments.segment_samples
    first, last = max(piece.start, start), min(piece.stop, start + length)
    if not segments.held_out:
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
