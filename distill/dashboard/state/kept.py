"""new sounds that somebody keeps ↔ files in the folder `kept`, and a zip of them all."""

from __future__ import annotations

import filecmp
import io
import json
import os
import shutil
import threading
import zipfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

from distill.dashboard.state.places import Places
from distill.dashboard.state.sounds import is_sound, served_file
from distill.errors import SoundError, WriteError
from distill.runs.folder import NEW_SOUNDS
from distill.system.atomic import whole_file, write_text
from distill.system.json_values import read_object
from distill.system.paths import is_text, list_folder
from distill.system.terminal import plain

MARKS = "kept.json"
"""In the folder of new sounds: name of a file → its name in `kept`."""
MARKED = ("generated/*", f"train/*/{NEW_SOUNDS}*", f"multirun/*/*/{NEW_SOUNDS}*")
"""Where such folders are, below `outputs`."""
MISSING = "MISSING.txt"
"""In the zip: which kept sounds are not in it, and why."""
BLOCK_BYTES = 1 << 18
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
    return [f"{plain(path.name)}: {why}" for path in _all(places) if (why := _obstacle(path))]


def zip_kept(places: Places) -> Iterator[bytes]:
    """All kept sounds, under their names, as the bytes of a zip, one after the other."""
    missing = []
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED, strict_timestamps=False) as archive:
        for path in _all(places):
            try:
                if why := _obstacle(path):
                    missing.append(f"{path.name}: {why}")
                else:
                    info = zipfile.ZipInfo.from_file(path, path.name, strict_timestamps=False)
                    with path.open("rb") as file, archive.open(info, "w") as entry:
                        while block := file.read(BLOCK_BYTES):
                            entry.write(block)
                            yield pipe.take()
            except OSError as error:  # deleted a moment ago, or not to be read to its end
                missing.append(f"{path.name}: {error.strerror}")
        if missing:
            archive.writestr(MISSING, "".join(f"{plain(line)}\n" for line in missing))
    yield pipe.take()


class _Pipe(io.RawIOBase):
    """What is written, to be taken piece by piece."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def write(self, data: Any, /) -> int:
        """Take in more."""
        self._written.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        """What was written since the last time."""
        taken = b"".join(self._written)
        self._written.clear()
        return taken


def _all(places: Places) -> list[Path]:
    """What lies in `kept` and is named as a sound."""
    return [path for path in list_folder(places.kept) if is_sound(path) and path.name[0] != "."]


def _obstacle(path: Path) -> str:
    """Why a kept sound cannot be in the zip; empty if it can."""
    if path.is_symlink():
        return "it is a link, which is not followed"
    if not is_text(path.name):
        return "its name is no text"
    return "" if os.access(path, os.R_OK) else "it cannot be read"


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
