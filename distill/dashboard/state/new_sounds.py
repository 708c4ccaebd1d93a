"""a request for new sounds → its command in a process of its own → rows of what it makes."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterable, Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

from distill.catalog.entry import Entry
from distill.dashboard.state.heard_models import made_last
from distill.dashboard.state.kept import mark, not_zipped
from distill.dashboard.state.kits import class_folders, kit_facts, kit_rows
from distill.dashboard.state.models import Models
from distill.dashboard.state.places import Places
from distill.dashboard.state.processes import (
    Started,
    interrupt,
    last_words,
    read_started,
    start_verb,
    was_just_started,
)
from distill.dashboard.state.sounds import address_of, page_rows, sound_row, sounds_in
from distill.dashboard.state.sounds_request import AGAIN, KIT_VERB, SoundsRequest
from distill.errors import GenerationError
from distill.listen.seeds import Seeds
from distill.runs.at_work import coming_prior
from distill.runs.folder import new_run_dir
from distill.runs.of_model import runs_of
from distill.system.paths import is_text, list_folder, written_ns
from distill.system.terminal import plain

MOST_SOUNDS = 64
MOST_SHOWN = 12
MOST_AT_ONCE = 2
NOTE, LOG = "process.json", "generate.log"
_lock = threading.Lock()
SEED = re.compile(r"--seed=(\d{1,18})")


def start(places: Places, entry: Entry, request: SoundsRequest) -> Path:
    """Begin to make the sounds, and return their new folder; raises GenerationError, RunError. The
    second of two clicks begins nothing more, and is answered with the folder of the first.
    """
    needs_prior = entry.prior is None and request.way != AGAIN
    if needs_prior and (coming := coming_prior(runs_of(places.outputs, entry.id))):
        raise GenerationError(plain(f"{entry.name} makes no new sounds yet: {coming}"))
    request.check(entry)
    model = places.library / entry.file
    with _lock:
        calls = _calls(places)
        for folder, started in calls.items():
            seed = next(_seeds(started.words), 0) if request.seed is None else request.seed
            if was_just_started(folder / NOTE, request.words(model, folder, seed)):
                return folder
        if sum(started.is_alive for started in calls.values()) >= MOST_AT_ONCE:
            raise GenerationError("new sounds are being made already; wait until they are there")
        asked = Seeds(places.library, entry.id).asked()
        free = _free_seed(calls.values(), entry.id, asked)
        seed = free if request.seed is None else request.seed
        folder = new_run_dir(places.new_sounds, entry.name)
        start_verb(
            request.words(model, folder, seed),
            log=folder / LOG,
            note=folder / NOTE,
            title=request.title(entry, seed),
            number=1 + max((started.number for started in calls.values()), default=0),
            model_id=entry.id,
        )
        return folder


def cancel(places: Places, call: str) -> None:
    """End a call; the sounds that are there stay."""
    for folder, started in _calls(places).items():
        if folder.name == call:
            interrupt(started)


def call_folders(places: Places) -> dict[Path, Started | None]:
    """The folders of new sounds, the newest first, and the processes that made them, if the
    dashboard started them.
    """
    folders = (path for path in list_folder(places.new_sounds) if is_text(path.name))
    found = [(folder, read_started(folder / NOTE)) for folder in folders]
    found.sort(key=lambda pair: (pair[1].number if pair[1] else 0, pair[0].name), reverse=True)
    return dict(found)


def _calls(places: Places) -> dict[Path, Started]:
    return {folder: started for folder, started in call_folders(places).items() if started}


def _free_seed(calls: Iterable[Started], model_id: str, asked: set[int]) -> int:
    """The first seed after those of calls that are here, by this model under whatever name, that it
    was not asked for elsewhere.
    """
    seeds = (seed for call in calls if call.model_id == model_id for seed in _seeds(call.words))
    first = max(seeds, default=-1) + 1
    return next(seed for seed in count(first) if seed not in asked)


def _seeds(words: Iterable[str]) -> Iterator[int]:
    return (int(found[1]) for word in words if (found := SEED.fullmatch(word)))


def show(models: Models, seen: str) -> dict[str, Any] | None:
    """The newest sounds that were asked for, and those kept; None if the page has `seen` this."""
    places = models.places
    every = _calls(places)
    calls = dict(islice(every.items(), MOST_SHOWN))
    kept, missing = sum(1 for _ in sounds_in(places.kept)), not_zipped(places)
    stamps: list[object] = [kept, missing, len(every), models.version()]
    for folder, started in calls.items():
        parts = class_folders(folder) if _is_kit(started) else []
        stamps += [folder.name, *map(written_ns, (folder, *parts)), started.is_alive]
    version = hashlib.sha1(repr(stamps).encode(), usedforsecurity=False).hexdigest()[:16]
    if version == seen:
        return None
    usable = models.usable()
    varies = any(entry.prior for entry in usable)
    return {
        "version": version,
        "models": models.version(),
        "usable": len(usable),
        "calls": [
            _call(places, folder, started, varies=varies) for folder, started in calls.items()
        ],
        "of_runs": [] if calls else made_last(places, varies=varies),
        "earlier": len(every) - len(calls),
        "folder": plain(str(places.new_sounds)),
        "kept": kept,
        "not_zipped": missing,
        "kept_folder": plain(str(places.kept)),
    }


def _call(places: Places, folder: Path, started: Started, *, varies: bool) -> dict[str, Any]:
    busy = started.is_alive
    sheet = folder / "generate.png"
    kit = kit_facts(folder) if _is_kit(started) and not busy else None
    pages = {Path(row["source"]).name: row for row in page_rows(places, folder)}
    rows = [pages.get(path.name) or sound_row(places, path) for path in sounds_in(folder)]
    if _is_kit(started):
        rows = kit_rows(places, folder)
    is_whole = bool(pages or (kit and not kit["missing"]))
    why = "" if busy or is_whole else last_words(folder / LOG, of_mistake=bool(kit))
    return {
        "id": folder.name,
        "title": plain(started.title or folder.name),
        "busy": busy,
        "rows": mark(places, rows, varies=varies),
        "kit": kit,
        "sheet": address_of(places, sheet) if sheet.is_file() else None,
        "error": plain(why) or ("" if busy or is_whole or kit else "it has ended"),
    }


def _is_kit(started: Started) -> bool:
    return started.words[:1] == [KIT_VERB]
