"""new sounds that somebody keeps ↔ files in the folder `kept`, and a zip of them all."""

from __future__ import annotations

import filecmp
import json
import shutil
import tempfile
import threading
import zipfile
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import IO, Any

from distill.dashboard.state.places import Places
from distill.dashboard.state.sounds import served_file, sounds_in
from distill.errors import SoundError, WriteError
from distill.system.atomic import whole_file, write_text
from distill.system.json_values import read_object

MARKS = "kept.json"
"""In the folder of new sounds: name of a file → its name in `kept`."""
LARGEST_IN_MEMORY = 1 << 24
_lock = threading.Lock()


def keep(places: Places, source: str) -> None:
    """Copy a new sound into the folder; raises SoundError, WriteError."""
    path = _sound(places, source)
    with _lock:
        marks = _kept_in(places, path.parent)
        if path.name in marks:
            return
        try:
            places.kept.mkdir(parents=True, exist_ok=True)
            target = _free(places.kept, path)
            if not target.exists():
                with whole_file(target) as partial:
                    shutil.copyfile(path, partial)
            write_text(path.parent / MARKS, json.dumps({**marks, path.name: target.name}, indent=1))
        except OSError as error:
            raise WriteError(places.kept, error) from error


def drop(places: Places, source: str) -> None:
    """Delete the copy of a new sound; the sound itself stays. Raises SoundError, WriteError."""
    path = _sound(places, source)
    with _lock:
        marks = _kept_in(places, path.parent)
        name = marks.pop(path.name, None)
        if name is None:
            return
        try:
            (places.kept / name).unlink(missing_ok=True)
            write_text(path.parent / MARKS, json.dumps(marks, indent=1))
        except OSError as error:
            raise WriteError(places.kept, error) from error


def mark(places: Places, rows: list[dict[str, Any]], *, varies: bool) -> list[dict[str, Any]]:
    """The rows of sounds, each with whether it is kept, and whether a model can vary it."""
    marks: dict[Path, dict[str, str]] = {}
    for row in rows:
        path = places.outputs / row["source"]
        folder = path.parent
        if folder not in marks:
            marks[folder] = _kept_in(places, folder)
        row |= {"kept": path.name in marks[folder], "varies": varies}
    return rows


def _kept_in(places: Places, folder: Path) -> dict[str, str]:
    """Names of sounds in a folder that are kept → their names in `kept`."""
    marks = read_object(folder / MARKS)
    return {
        name: kept
        for name, kept in marks.items()
        if isinstance(kept, str) and Path(kept).name == kept and (places.kept / kept).is_file()
    }


def zip_kept(places: Places) -> IO[bytes]:
    """All kept sounds, under their names, as a file that is read from its start."""
    file = tempfile.SpooledTemporaryFile(max_size=LARGEST_IN_MEMORY)  # noqa: SIM115
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, strict_timestamps=False) as archive:
        for path in sounds_in(places.kept):
            if path.is_file() and not path.is_symlink():
                with suppress(OSError):  # deleted a moment ago, or not to be read
                    archive.write(path, path.name)
    file.seek(0)
    return file


def _sound(places: Places, source: str) -> Path:
    path = served_file(places, source)
    if path is None or path.parent == places.kept:
        raise SoundError("there is no such sound (any more)")
    return path


def _free(folder: Path, path: Path) -> Path:
    """The first name that is free, or that of the same sound."""
    names = (path.name if n == 1 else f"{path.stem}-{n}{path.suffix}" for n in count(1))
    return next(
        target
        for name in names
        if not (target := folder / name).exists() or filecmp.cmp(path, target, shallow=False)
    )
