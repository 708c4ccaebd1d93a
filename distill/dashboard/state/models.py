"""the library → cards of its models, as plain values; and what can be done with one."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from distill.catalog.catalog import Catalog
from distill.catalog.entry import Entry
from distill.catalog.facts import WITHOUT_SOUNDS, facts_of, level_rows, row_of
from distill.catalog.files import Difference, difference_of, shown_name
from distill.catalog.index import read_index, repair_command
from distill.dashboard.state import advice, libraries
from distill.dashboard.state.heard_models import sounds_of_models
from distill.dashboard.state.kept import mark
from distill.dashboard.state.places import Places
from distill.dashboard.state.processes import run_verb
from distill.dashboard.state.sounds import new_sounds_of, page_rows
from distill.errors import DistillError, LibraryError
from distill.runs.of_model import newest_summary_ns, runs_of
from distill.runs.summary import read_summary
from distill.system.paths import from_here, written_ns
from distill.system.shell import command_of, shell_word
from distill.system.terminal import plain, quantity

ENDS_EVERY_S = 5.0


class Models:
    """The models of a library folder."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.catalog = Catalog(places.library)
        self._ids: dict[str, str] = {}
        """File → id of the models that were shown; the file may have another name by now."""
        self._tried = Difference((), ())
        self._ended_ns, self._next_s = 0, 0.0
        self._lock = threading.Lock()

    def entries(self) -> list[Entry]:
        """All of them, the newest first; raises LibraryError for a damaged library."""
        with self._lock:
            found = self._difference()
            if found and found != self._tried:
                with suppress(DistillError):  # by a process, since it needs torch
                    run_verb(["distill.library", "list", f"--library={self.places.library}"])
                self._tried = self._difference()
            entries = read_index(self.places.library).entries
            self._ids |= {entry.file: entry.id for entry in entries}
        return sorted(entries, key=lambda entry: (entry.saved_s, entry.save_date), reverse=True)

    def _difference(self) -> Difference:
        """What somebody did to the files of the library by hand."""
        return difference_of(self.places.library, read_index(self.places.library))

    def usable(self) -> list[Entry]:
        """Those whose files are there, the newest first; none in a damaged library."""
        try:
            entries = self.entries()
        except LibraryError:
            return []
        return [entry for entry in entries if self.catalog.path_of(entry).is_file()]

    def find(self, file: str) -> Entry:
        """The model that is in a file of the library, or was; raises LibraryError."""
        entries = self.entries()
        wanted = self._ids.get(file)
        for entry in entries:
            if entry.file == file:
                return entry
        for entry in entries:
            if entry.id == wanted:
                return entry
        raise LibraryError("there is no such model (any more)")

    def show(self, seen: str) -> dict[str, Any] | None:
        """A card for each model; None if the page has `seen` them."""
        version = self.version()
        if version == seen:
            return None
        try:
            entries, error = self.entries(), self._left_out()
        except LibraryError as damaged:
            entries, error = [], plain(str(damaged))
        heard = sounds_of_models(self.places) if entries else {}
        return {
            "version": version,
            "folder": plain(str(self.places.library)),
            "problem": error,
            "models": [{**self._card(entry), "sound": heard.get(entry.id)} for entry in entries],
            "others": [] if entries else self._others(),
        }

    def _others(self) -> list[dict[str, str]]:
        """Other libraries that have models, the one used last first, and how to open each."""
        return [
            {
                "folder": plain(str(folder)),
                "models": quantity(models, "model"),
                "command": f"{command_of('dashboard')} --library {shell_word(str(folder))}",
            }
            for folder, models in libraries.others(self.places.library).items()
        ]

    def sounds(self, file: str) -> list[dict[str, Any]]:
        """Rows to listen to: what the run that made the model has left, new sounds first; raises
        LibraryError.
        """
        entry = self.find(file)
        runs = runs_of(self.places.outputs, entry.id)
        held_out = (page_rows(self.places, run_dir) for run_dir in runs)
        made = (new_sounds_of(run_dir, read_summary(run_dir)) for run_dir in runs)
        new = (page_rows(self.places, folder) for folder in made)
        newest = [next(filter(None, rows), []) for rows in (held_out, new)]
        varies = entry.prior is not None and self.catalog.path_of(entry).is_file()
        return [*mark(self.places, newest[1], varies=varies), *newest[0]]

    def rename(self, file: str, name: str) -> None:
        """Give a model another name; raises DistillError. By a process, since it needs torch."""
        entry = self.find(file)
        run_verb(
            [
                "distill.library",
                "rename",
                f"--library={self.places.library}",
                "--",
                entry.file,
                name,
            ]
        )

    def delete(self, file: str) -> None:
        """Delete a model; raises LibraryError."""
        entry = self.find(file)
        try:
            self.catalog.delete(entry)
        except OSError as error:
            raise LibraryError(f"{entry.file}: cannot be deleted: {error.strerror}") from error

    def version(self) -> str:
        """Another one whenever the folder, its index or a file that was left out has changed."""
        folder = self.places.library
        left_out = (folder / name for name, _, _ in self._tried.unlisted)
        watched = (folder, *folder.glob("*.json"), *left_out)
        return "-".join(f"{each:x}" for each in (self._last_end_ns(), *map(written_ns, watched)))

    def _last_end_ns(self) -> int:
        """When a run ended last: its sounds are there since then. Looked up every few seconds, as
        there may be thousands of runs.
        """
        now_s = time.monotonic()
        if now_s >= self._next_s:
            self._next_s = now_s + ENDS_EVERY_S
            self._ended_ns = newest_summary_ns(self.places.outputs)
        return self._ended_ns

    def _left_out(self) -> str:
        """What is said of files that are no models."""
        names = [name for name, _, _ in self._difference().unlisted]
        if not names:
            return ""
        why = repair_command(self.places.library)
        return plain(
            f"{quantity(len(names), 'file')} left out, such as {names[0]}: `{why}` says why"
        )

    def _card(self, entry: Entry) -> dict[str, Any]:
        path = from_here(self.catalog.path_of(entry))
        return {
            **asdict(row_of(entry)),
            "file": entry.file,
            "id": plain(entry.id),
            "plain_name": plain(entry.name),
            "description": plain(entry.description),
            "tags": [plain(tag) for tag in entry.tags],
            "mel_db": entry.heard.get("mel_db"),
            "worst_utilization": entry.worst_utilization,
            "bytes": entry.size_bytes,
            "advice": advice.of_model(entry),
            "facts": facts_of(entry, path),
            "levels": [row.to_json() for row in level_rows(entry)],
            "prior": entry.prior is not None,
            "without_sounds": entry.is_without_sounds,
            "keeps_sounds": entry.prior is not None and not entry.is_without_sounds,
            "without": WITHOUT_SOUNDS,
            "commands": _commands(entry, str(path)),
        }


def _commands(entry: Entry, path: str) -> list[str]:
    """What can be typed in a terminal with a model."""
    model = shell_word(path)
    more = "--like SOUND" if entry.is_without_sounds else "-n 16"
    generate = f"{command_of('generate')} {model} {more}"
    reconstruct = f"{command_of('reconstruct')} {model} SOUNDS"
    return [generate, reconstruct] if entry.prior else [reconstruct]


def model_choices(entries: list[Entry]) -> list[tuple[str, str]]:
    """Models for a list to choose from: what is shown, and the file."""
    return [(plain(shown_name(entry.name, entry.file)), entry.file) for entry in entries]
