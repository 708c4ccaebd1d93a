"""new sounds that somebody keeps ↔ files in the folder `kept`, and a zip of them all."""

from __future__ import annotations

import filecmp
import json
import os
import shutil
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

from distill.dashboard.state.places import Places
from distill.dashboard.state.sounds import is_sound, served_file
from distill.dashboard.state.zips import obstacle, zip_files
from distill.errors import SoundError, WriteError
from distill.runs.folder import NEW_SOUNDS
from distill.system.atomic import whole_file, write_text
from distill.system.json_values import read_object
from distill.system.paths import list_folder
from distill.system.terminal import plain

MARKS = "kept.json"
"""In a folder of new sounds: name of a file → its name in `kept`."""
MARKED = ("generated/*", "generated/*/*", f"train/*/{NEW_SOUNDS}*", f"multirun/*/*/{NEW_SOUNDS}*")
"""Where such folders are, below `outputs`."""
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
    """Let go of a new sound: its copy is deleted, unless it is kept from elsewhere, too; the sound
    itself stays. Raises SoundError, WriteError.
    """
    path = _sound(places, source)
    with _lock:
        marks = _kept_in(places, path.parent)
        name = marks.pop(path.name, None)
        if name is None:
            return
        try:
            write_text(path.parent / MARKS, json.dumps(marks, indent=1))
            if not _is_kept(places, name):
                (places.kept / name).unlink(missing_ok=True)
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
        if isinstance(kept, str)
        and Path(kept).name == kept
        and _is_same(folder / name, places.kept / kept)
    }


def _is_kept(places: Places, name: str) -> bool:
    """Whether the sound of this name in `kept` is kept from any folder."""
    marked = (path.parent for where in MARKED for path in places.outputs.glob(f"{where}/{MARKS}"))
    return any(name in _kept_in(places, folder).values() for folder in marked)


def not_zipped(places: Places) -> list[str]:
    """The kept sounds that cannot be in the zip, each with the reason."""
    return [f"{plain(path.name)}: {why}" for path in _all(places) if (why := obstacle(path))]


def zip_kept(places: Places) -> Iterator[bytes]:
    """All kept sounds, under their names, as the bytes of a zip, one after the other."""
    return zip_files((path, path.name) for path in _all(places))


def _all(places: Places) -> list[Path]:
    """What lies in `kept` and is named as a sound."""
    return [path for path in list_folder(places.kept) if is_sound(path) and path.name[0] != "."]


def _is_same(path: Path, other: Path) -> bool:
    try:
        return filecmp.cmp(path, other, shallow=False)
    except OSError:
        return False


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
        if not os.path.lexists(target := folder / name) or _is_same(path, target)
    )
