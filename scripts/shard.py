"""A folder of sounds → shards that a run streams, on this disk or copied to an object store.

    python scripts/shard.py FOLDER OUT [--workers 2] [KEY=VALUE ...]
    python -m distill.train data=streaming data.root=OUT

Reads the sounds as a run does, reports what is left out, splits them the same way, and writes each
segment with what a moved crop of it can reach. KEY=VALUE are settings of a run, those that decide
over segments: data.segment_s, data.val_fraction, mel.sample_rate_hz, seed. Started again after an
interruption, it goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from distill.cli.verb import verb_entry
from distill.errors import DistillError, WriteError

if TYPE_CHECKING:
    from distill.data.collection import Collection


def main() -> None:
    """Scan, split, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE")
    options = parser.parse_intermixed_args()
    with verb_entry():
        _shard(options)


def _shard(options: argparse.Namespace) -> None:
    _check_out(options.folder, options.out)
    # here, because each process that writes shards runs the head of this file once more
    from distill.data.segments import Segments
    from distill.settings.compose import load_config

    try:
        from distill.data.shards import MANIFEST, SIDES, VERSION, Manifest, write_shards
    except ModuleNotFoundError as error:
        raise DistillError(f"shards need the extra: make streaming ({error})") from error
    from distill.settings.overrides import quote_text
    from distill.system.terminal import counted, say
    from distill.training.sounds import collect, report

    config = load_config([quote_text(f"data.root={options.folder}"), *options.settings])
    if (options.out / MANIFEST).exists():
        raise DistillError(f"{options.out}: there are whole shards already")
    collection, split = collect(config)
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        _same_as_before(collection, options.out / "collection.json")
        collection.write_report(options.out / "collection.json")
    except OSError as error:
        raise WriteError(options.out, error) from error
    report(collection, split, options.out / "collection.json")
    rate_hz = config.mel.sample_rate_hz
    sides = {
        side: Segments(
            pieces,
            segment_samples=round(config.data.segment_s * rate_hz),
            sample_rate_hz=rate_hz,
            seed=config.seed,
            augment=config.data.augment,
        )
        for side, pieces in zip(SIDES, (split.train, split.val), strict=True)
    }
    manifest = Manifest(
        version=VERSION,
        name=collection.name,
        folders=collection.folders,
        files=len(collection.sounds),
        duration_s=collection.duration_s,
        fingerprint=collection.fingerprint,
        sample_rate_hz=rate_hz,
        segment_s=config.data.segment_s,
        val_fraction=config.data.val_fraction,
        seed=config.seed,
        segments={side: len(segments) for side, segments in sides.items()},
        sounding_samples={side: segments.sounding_samples() for side, segments in sides.items()},
    )
    try:
        write_shards(sides, manifest, options.out, workers=options.workers)
    except (KeyboardInterrupt, SystemExit):  # LitData ends with exit code 0
        print("distill: stopped; the same line goes on where it was", file=sys.stderr)
        sys.exit(130)
    written = " and ".join(f"{counted(len(sides[side]), 'segment')} to {side}" for side in SIDES)
    say(f"{options.out}: {written}")


def _check_out(folder: Path, out: Path) -> None:
    if ":/" in str(out):  # a Path has one slash left of s3://bucket
        raise DistillError(f"{out}: must be a folder; copy it to the store when it is whole")
    if out.exists() and not out.is_dir():
        raise DistillError(f"{out}: is a file, not a folder")
    if out.resolve().is_relative_to(folder.resolve()):
        raise DistillError(f"{out}: lies in the folder of the sounds, which is only read")
    if out.is_dir() and any(out.iterdir()) and not (out / "collection.json").exists():
        raise DistillError(f"{out}: holds other things; give a new folder")


def _same_as_before(collection: Collection, report_path: Path) -> None:
    if not report_path.exists():
        return
    begun = json.loads(report_path.read_text("utf-8"))["fingerprint"]
    if begun != collection.fingerprint:
        raise DistillError(
            f"{report_path.parent}: shards of other sounds were begun there; remove them first"
        )


if __name__ == "__main__":
    main()
