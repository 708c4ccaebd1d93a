"""library folders that a dashboard was started with ↔ a small file of the user's, newest first."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from platformdirs import user_state_path

from distill.catalog.index import read_index
from distill.errors import LibraryError
from distill.system.atomic import write_text
from distill.system.json_values import read_object
from distill.system.paths import is_text

KEY = "libraries"
MOST = 20


def memory() -> Path:
    """The file, in the folder that this system has for what programs remember of a user."""
    return user_state_path("distill", appauthor=False) / "dashboard.json"


def remember(library: Path) -> None:
    """Note that the library was used now. Where nothing can be written, nothing is noted."""
    if not is_text(str(library)):
        return
    folders = [str(library), *(folder for folder in _noted() if folder != str(library))]
    with suppress(OSError):
        memory().parent.mkdir(parents=True, exist_ok=True)
        write_text(memory(), json.dumps({KEY: folders[:MOST]}))


def others(library: Path) -> dict[Path, int]:
    """Other libraries that were used and have models, the one used last first, and how many."""
    found = {}
    for folder in map(Path, _noted()):
        with suppress(LibraryError, OSError, ValueError):  # not there any more, or damaged
            if folder != library and (entries := read_index(folder).entries):
                found[folder] = len(entries)
    return found


def _noted() -> list[str]:
    """What the file says; nothing if it is damaged."""
    folders = read_object(memory()).get(KEY)
    known = folders if isinstance(folders, list) else []
    return [folder for folder in known if isinstance(folder, str) and Path(folder).is_absolute()]
