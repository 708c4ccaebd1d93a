"""segments of a split → LitData shards in a folder.

Imports little, because each process that writes shards imports this module.
"""

from __future__ import annotations

import json
import multiprocessing
import re
import shutil
import struct
from collections.abc import Mapping
from functools import cache
from multiprocessing.util import Finalize
from pathlib import Path
from typing import TypedDict

import numpy as np
from litdata import optimize

from distill.data.manifest import MANIFEST, Item, Manifest
from distill.data.segments import Segments, read_waveform
from distill.errors import DistillError, WriteError

SHARD_BYTES = 1 << 26
INDEX = "index.json"


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

    The manifest is written last: a folder with a manifest is complete. Raises WriteError, and
    DistillError if a process that writes has failed.
    """
    try:
        for side, segments in sides.items():
            if not (out / side / INDEX).exists():
                _write_side(segments, out / side, workers)
        manifest.write_report(out / MANIFEST)
    except OSError as error:
        raise WriteError(out, error) from error


def _write_side(segments: Segments, folder: Path, workers: int) -> None:
    try:
        optimize(
            fn=_item,
            inputs=[_window(segments, index) for index in range(len(segments))],
            output_dir=str(folder),
            chunk_bytes=SHARD_BYTES,
            num_workers=workers,
            use_checkpoint=True,
            keep_data_ordered=True,
            verbose=False,
        )
    except RuntimeError as error:  # its text is the traceback of another process
        raise DistillError(f"{folder}: cannot be written: {_reason(str(error))}") from error
    check_shards(folder)


def check_shards(folder: Path) -> None:
    """Raise DistillError unless all shards of a side are there to their last byte; those of such a
    side are deleted, so that the next call writes them anew. LitData copies each in a process whose
    failures it does not tell of.
    """
    try:
        chunks = json.loads((folder / INDEX).read_text(encoding="utf-8"))["chunks"]
        cut = [each["filename"] for each in chunks if not _is_whole(folder / each["filename"])]
    except (FileNotFoundError, ValueError, KeyError):
        cut = [INDEX]
    if cut:
        shutil.rmtree(folder, ignore_errors=True)
        raise DistillError(
            f"{folder / cut[0]}: could not be written to its end; make room on the disk, and type "
            "the same command again"
        )


def _is_whole(shard: Path) -> bool:
    """Whether a file ends where its header says: the number of items, and where each begins."""
    with shard.open("rb") as file:
        head = file.read(4)
        ends = file.read(4 * (1 + int.from_bytes(head, "little"))) if len(head) == 4 else b""
    return len(ends) >= 8 and struct.unpack("<I", ends[-4:])[0] == shard.stat().st_size


def _reason(traceback: str) -> str:
    """The last line of a traceback, without the name of the error and its number."""
    lines = [line.strip() for line in traceback.splitlines() if line.strip(" .")]
    return re.sub(r"^\w+: (\[Errno \d+\] )?", "", lines[-1] if lines else "for no known reason")


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
    _end_with_children()
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


@cache
def _end_with_children() -> None:
    """Have this process end its own ones when it ends, rather than wait for them: LitData's, after
    an error, wait for a word that never comes, and the whole command with them.
    """
    Finalize(None, _end_children, exitpriority=0)


def _end_children() -> None:
    for child in multiprocessing.active_children():
        child.terminate()
