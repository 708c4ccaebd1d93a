"""the folder for new shards → checked, and made with the report of its sounds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import Timeout

from distill.data.collection import REPORT, Collection, fingerprint_in
from distill.data.manifest import MANIFEST
from distill.errors import DistillError, WriteError
from distill.system.locks import hold

LOCK = ".lock"


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
    _refuse_complete(out)
    others = out.is_dir() and any(not path.name.startswith(LOCK) for path in out.iterdir())
    if others and not (out / REPORT).exists():
        raise DistillError(f"{out}: holds other files; choose a new folder")


@contextmanager
def begin(collection: Collection, out: Path) -> Iterator[Path]:
    """Make the folder, for this process alone, write the report of its sounds, and yield the
    report's path.

    Raises DistillError if another process writes shards there, or if the folder holds others,
    WriteError if it cannot be written.
    """
    report = out / REPORT
    with ExitStack() as held:
        try:
            out.mkdir(parents=True, exist_ok=True)
            held.enter_context(hold(out / LOCK, timeout_s=0, keep=False))
            _refuse_complete(out)
            if report.exists() and fingerprint_in(report) != collection.fingerprint:
                raise DistillError(
                    f"{out}: holds unfinished shards of other sounds; delete them first"
                )
            collection.write_report(report)
        except Timeout:
            raise DistillError(f"{out}: another process is writing shards there") from None
        except OSError as error:
            raise WriteError(out, error) from error
        yield report


def _refuse_complete(out: Path) -> None:
    if (out / MANIFEST).exists():
        raise DistillError(f"{out}: already holds complete shards; choose another folder")
