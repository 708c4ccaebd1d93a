"""a folder that shards are to be written to → whether it may be, and with these sounds."""

from __future__ import annotations

import json
from pathlib import Path

from distill.data.collection import REPORT, Collection
from distill.data.manifest import MANIFEST
from distill.errors import DistillError, WriteError


def check_out(folder: Path, out: Path) -> None:
    """Raise DistillError unless shards of the sounds in `folder` can be begun or continued in
    `out`.
    """
    if ":/" in str(out):  # a Path has one slash left of s3://bucket
        raise DistillError(f"{out}: must be a folder; copy it to the store when it is whole")
    if out.exists() and not out.is_dir():
        raise DistillError(f"{out}: is a file, not a folder")
    if out.resolve().is_relative_to(folder.resolve()):
        raise DistillError(f"{out}: lies in the folder of the sounds, which is only read")
    if (out / MANIFEST).exists():
        raise DistillError(f"{out}: there are whole shards already")
    if out.is_dir() and any(out.iterdir()) and not (out / REPORT).exists():
        raise DistillError(f"{out}: holds other things; give a new folder")


def begin(collection: Collection, out: Path) -> Path:
    """Make the folder with the report of its sounds, whose path is returned.

    Raises DistillError where shards of other sounds were begun, WriteError.
    """
    report = out / REPORT
    try:
        out.mkdir(parents=True, exist_ok=True)
        if report.exists() and _fingerprint_in(report) != collection.fingerprint:
            raise DistillError(f"{out}: holds shards of other sounds in part; remove them first")
        collection.write_report(report)
    except OSError as error:
        raise WriteError(out, error) from error
    return report


def _fingerprint_in(report: Path) -> object:
    try:
        return json.loads(report.read_text("utf-8"))["fingerprint"]
    except (ValueError, KeyError, TypeError):  # somebody else's
        return None
