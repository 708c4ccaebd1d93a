"""a model of the library → a file to download; a file that came through the page → a model."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from distill.bundle import SUFFIX
from distill.dashboard.state.models import Models
from distill.dashboard.state.processes import run_verb
from distill.errors import LibraryError, WriteError
from distill.system.names import file_part
from distill.system.paths import from_here, list_folder, written_ns

FOLDER = "dashboard/models"
"""Where files lie on their way in or out, below `outputs`; each is deleted then."""
LONGEST_NAME = 80
STALE_NS = 3600 * 10**9


def file_to_download(models: Models, file: str) -> Path:
    """The file of a model; raises LibraryError if it is gone."""
    path = models.catalog.path_of(models.find(file))
    if not path.is_file():
        raise LibraryError("there is no such model (any more)")
    return path


def file_without_sounds(models: Models, file: str) -> Path:
    """A new file of a model without the sounds that it was trained on, alone in a folder, for
    `forget`. Raises DistillError. By a process, since it needs torch.
    """
    source = file_to_download(models, file)
    target = _folder(models) / f"{source.stem}-without-sounds{SUFFIX}"
    words = ["export", "--without-sounds", f"--library={models.places.library}", f"--out={target}"]
    try:
        run_verb(["distill.library", *words, "--", str(source)])
    except BaseException:
        forget(target)
        raise
    return target


def forget(path: Path) -> None:
    """Delete a file that went out, with its folder."""
    shutil.rmtree(path.parent, ignore_errors=True)


@contextmanager
def coming_file(models: Models, name: str) -> Iterator[Path]:
    """Where a file goes that comes through the page, until it is added; raises LibraryError for
    what is not named as a model.
    """
    if Path(name).suffix.lower() != SUFFIX:
        raise LibraryError(f"{name}: is not a model file: its name ends in {SUFFIX}")
    stem = file_part(Path(name).stem, gap="_", longest=LONGEST_NAME, empty="model")
    path = _folder(models) / f"{stem}{SUFFIX}"
    try:
        yield path
    finally:
        forget(path)


def add(models: Models, path: Path) -> str:
    """Add a file to the library as `library add` does, and say so in one line; raises DistillError
    with what `library add` refuses it for. By a process, since it needs torch.
    """
    words = [f"--library={models.places.library}", "--", str(path)]
    printed = run_verb(["distill.library", "add", *words]).strip().splitlines()
    what, _, where = (printed or [""])[-1].partition(": ")
    return f"{what}: {from_here(Path(where)).name}"


def _folder(models: Models) -> Path:
    """A new folder, for one file."""
    parent = models.places.outputs / FOLDER
    try:
        parent.mkdir(parents=True, exist_ok=True)
        for left in list_folder(parent):  # by a browser that went away, or a dashboard that ended
            if written_ns(left) < time.time_ns() - STALE_NS:
                shutil.rmtree(left, ignore_errors=True)
        return Path(tempfile.mkdtemp(dir=parent))
    except OSError as error:
        raise WriteError(parent, error) from error
