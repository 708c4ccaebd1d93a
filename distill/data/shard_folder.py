"""the folder for new shards → checked, and made with the report of its sounds."""

from __future__ import annotations

from pathlib import Path

from distill.data.collection import REPORT, Collection, fingerprint_in
from distill.data.manifest import MANIFEST
from distill.errors import DistillError, WriteError


def check_out(folder: Path, out: Path) -> None:
    """Raise DistillError unless `out` is a folder in which shards of the sounds in `folder` can be
    started or continued.
    """
    if ":/" in str(out):  # Path turns s3://bucket into s3:/bucket
        raise DistillError(f"{out}: must be a folder; copy it to the store when it is complete")
    if out.exists() and not out.is_dir():
        raise DistillError(f"{out}: is a file, not a folder")
    if out.resolve().is_relative_to(folder.resolve()):
        raise DistillError(f"{out}: is inside the folder of the sounds; choose another folder")
    if (out / MANIFEST).exists():
        raise DistillError(f"{out}: already holds complete shards; choose another folder")
    if out.is_dir() and any(out.iterdir()) and not (out / REPORT).exists():
        raise DistillError(f"{out}: holds other files; choose a new folder")


def begin(collection: Collection, out: Path) -> Path:
    """Make the folder, write the report of its sounds, and return the report's path.

    Raises DistillError if the folder holds unfinished shards of other sounds, WriteError if it
    cannot be written.
    """
    report = out / REPORT
    try:
        out.mkdir(parents=True, exist_ok=True)
        if report.exists() and fingerprint_in(report) != collection.fingerprint:
            raise DistillError(f"{out}: holds unfinished shards of other sounds; delete them first")
        collection.write_report(report)
    except OSError as error:
        raise WriteError(out, error) from error
    return report
