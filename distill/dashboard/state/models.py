"""the library → cards of its models, as plain values; and what can be done with one."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from distill.catalog.catalog import Catalog, shown_name
from distill.catalog.entry import Entry
from distill.catalog.facts import facts_of, level_rows, row_of
from distill.dashboard.state.kept import mark
from distill.dashboard.state.places import Places
from distill.dashboard.state.processes import run_verb
from distill.dashboard.state.sounds import new_sounds_of, page_rows
from distill.errors import LibraryError
from distill.runs.summary import read_summary
from distill.system.paths import from_here
from distill.system.run_parts import SUMMARY
from distill.system.shell import shell_line
from distill.system.terminal import plain


class Models:
    """The models of a library folder."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.catalog = Catalog(places.library)

    def entries(self) -> list[Entry]:
        """All of them, the newest first; raises LibraryError for a damaged library."""
        return sorted(self.catalog.entries(), key=lambda entry: entry.save_date, reverse=True)

    def usable(self) -> list[Entry]:
        """Those whose files are there, the newest first; none in a damaged library."""
        try:
            entries = self.entries()
        except LibraryError:
            return []
        return [entry for entry in entries if self.catalog.path_of(entry).is_file()]

    def find(self, file: str) -> Entry:
        """The model in a file of the library; raises LibraryError."""
        for entry in self.entries():
            if entry.file == file:
                return entry
        raise LibraryError("there is no such model (any more)")

    def show(self, seen: str) -> dict[str, Any] | None:
        """A card for each model; None if the page has `seen` them."""
        version = self.version()
        if version == seen:
            return None
        try:
            entries, error = self.entries(), ""
        except LibraryError as damaged:
            entries, error = [], plain(str(damaged))
        return {
            "version": version,
            "folder": plain(str(self.places.library)),
            "problem": error,
            "models": [self._card(entry) for entry in entries],
        }

    def sounds(self, file: str) -> list[dict[str, Any]]:
        """Rows to listen to: what the run that made the model has left; raises LibraryError."""
        entry = self.find(file)
        places = self.places
        found = [*places.trained.glob(f"*/{SUMMARY}"), *places.swept.glob(f"*/*/{SUMMARY}")]
        for path in sorted(found, reverse=True):
            summary, run_dir = read_summary(path.parent), path.parent
            if summary and summary.model_id == entry.id:
                new = page_rows(places, new_sounds_of(run_dir, summary))
                varies = entry.prior is not None and self.catalog.path_of(entry).is_file()
                return [*page_rows(places, run_dir), *mark(places, new, varies=varies)]
        return []

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
        """Another one whenever the folder or its index has changed."""
        stamps = []
        for path in (self.places.library, *self.places.library.glob("*.json")):
            try:
                stamps.append(f"{path.stat().st_mtime_ns:x}")
            except OSError:
                stamps.append("")
        return "-".join(stamps) or "none"

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
            "facts": facts_of(entry, path),
            "levels": [row.to_json() for row in level_rows(entry)],
            "prior": entry.prior is not None,
            "missing": not path.is_file(),
            "commands": [shell_line(words) for words in _commands(entry, str(path))],
        }


def _commands(entry: Entry, path: str) -> list[list[str]]:
    """What can be typed in a terminal with a model."""
    reconstruct = ["python", "-m", "distill.reconstruct", path, "SOUNDS"]
    generate = ["python", "-m", "distill.generate", path, "-n", "16"]
    return [generate, reconstruct] if entry.prior else [reconstruct]


def model_choices(entries: list[Entry]) -> list[tuple[str, str]]:
    """Models for a list to choose from: what is shown, and the file."""
    return [(plain(shown_name(entry.name, entry.file)), entry.file) for entry in entries]
