"""the library folder → its published bundles, found by name or id through an index. Imports torch
only to read bundles.
"""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Iterable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from distill.bundle import SUFFIX
from distill.catalog.entry import Entry
from distill.catalog.files import (
    File,
    describe,
    describe_all,
    difference_of,
    enter_all,
    file_stem,
    files_in,
    next_name,
    shown_name,
    tell,
)
from distill.catalog.index import (
    DamagedIndexError,
    Index,
    change_index,
    read_index,
)
from distill.catalog.run_model import bundle_at
from distill.errors import LibraryError
from distill.system.atomic import remove_partial_files, whole_file, write_free
from distill.system.paths import path_of

SHORTEST_PREFIX = 4
NAMES_SHOWN = 8
STALE_S = 3600


@dataclass(frozen=True)
class Repair:
    """What a repair did: names of files."""

    added: list[str]
    dropped: list[str]
    refused: dict[str, str]
    """File → why it is not a model that can be used."""
    kept: int


class Catalog:
    """A library folder. Changes are locked and atomic: readers always see a complete index, and
    several processes can publish at the same time.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._refused: set[File] = set()
        """Those of its files that are no models."""

    def entries(self) -> list[Entry]:
        """The models, in the order in which they were added; warns of damaged entries. What was
        done to the files by hand is entered first, and told in one line.

        Raises LibraryError if the whole index is damaged.
        """
        index = read_index(self.folder)
        found = difference_of(self.folder, index, known=self._refused)
        if not found:
            return index.entries
        described, refused = describe_all(self.folder, found.unlisted)
        self._refused |= {file for file in found.unlisted if file[0] in refused}
        tell(self.folder, [entry.file for entry in described], found.gone, refused)
        if described or found.gone:
            with suppress(OSError, LibraryError), self._change_index() as kept:  # or only read
                enter_all(kept, described, found.gone)
            enter_all(index, described, found.gone)
        return index.entries

    def path_of(self, entry: Entry) -> Path:
        """Path of a model's bundle, which may have been deleted."""
        return self.folder / entry.file

    def publish(self, bundle: Path) -> Path:
        """Copy a bundle into the library under its model's name, add it to the index, and return
        its path.

        An earlier state of the same model, by its id, is replaced: it keeps the name, description
        and tags that it has here, and parts that only it has. Other models are never overwritten,
        even if several runs publish at the same time. Raises BundleError, LibraryError or OSError.
        """
        from distill.catalog.conversion import continued  # torch: only here

        new = describe(bundle)
        if self.find_id(new.id) is None:
            return self._add(bundle, new)
        with self._change_index() as index:  # so that nobody gives it another name meanwhile
            earlier = self._file_of(new.id, index.entries)
            if earlier is not None:
                target = self.path_of(earlier)
                with continued(bundle, new, target, earlier) as merged:
                    _replace(target, merged)
                enter_all(index, [describe(target)])
                return target
        return self._add(bundle, new)  # it was deleted a moment ago

    def add(self, bundle: Path) -> tuple[Path, bool]:
        """Copy a bundle into the library beside all others, as `publish` does; return its path, and
        whether it is new. A model that is there in another state gets a new id, so that each id
        means one model.
        """
        from distill.catalog.conversion import bundle_of  # torch: only here

        if existing := self._same_as(new := describe(bundle)):
            return existing, False
        own_id = {"model_id": new.checksum[:32]} if self.find_id(new.id) else {}
        with bundle_of(bundle, own_id) as own:
            existing = self._same_as(new := describe(own)) if own_id else None
            return existing or self._add(own, new), not existing

    def find_id(self, model_id: str | None) -> Path | None:
        """The path of the model with this id, whatever it is called by now; None if it is not
        there.
        """
        found = self._file_of(model_id, self._list_undamaged())
        return None if found is None else self.path_of(found)

    def rename(self, entry: Entry, name: str) -> Path:
        """Give a model another name: in its bundle, in the index, and in its file name.

        The new file is complete before the old one is deleted; after an interruption between the
        two, the index is corrected when it is read. Raises LibraryError if another model has that
        name, BundleError or OSError.
        """
        from distill.catalog.conversion import bundle_of  # torch: only here

        if not name.strip():
            raise LibraryError("a model's name cannot be empty")
        old = self.path_of(entry)
        with self._change_index() as index:
            others = [other.file for other in index.entries if other.file != entry.file]
            names = {other.file: other.name for other in index.entries}
            if taken := [each for each in others if name in (names[each], Path(each).stem)]:
                raise LibraryError(
                    f"{name}: another model has this name ({taken[0]}); choose another name"
                )
            with bundle_of(old, {"name": name}) as bundle:
                if file_stem(name) == old.stem:
                    target = old
                    _replace(target, bundle)
                else:
                    target = self._copy(bundle, file_stem(name))
                    old.unlink()
            renamed = describe(target)
            index.entries = [
                renamed if other.file == entry.file else other for other in index.entries
            ]
        return target

    def delete(self, entry: Entry) -> None:
        """Delete a model's bundle and its entry; raises LibraryError or OSError."""
        with self._change_index() as index:
            self.path_of(entry).unlink(missing_ok=True)
            index.entries = [other for other in index.entries if other.file != entry.file]

    def repair(self) -> Repair:
        """Make the index again from the files: bundles without an entry are added, entries without
        a file are dropped. Only the small parts of a bundle are read, not its weights.
        """
        with self._change_index() as index:
            files = files_in(self.folder)
            entries, refused = describe_all(self.folder, files)
            names = {name for name, _, _ in files}
            known = {(entry.file, entry.checksum) for entry in index.entries}
            added = [entry.file for entry in entries if (entry.file, entry.checksum) not in known]
            dropped = [entry.file for entry in index.entries if entry.file not in names]
            dropped += ["(an entry that cannot be read)" for _ in index.damaged]
            order = {entry.file: place for place, entry in enumerate(index.entries)}
            entries.sort(key=lambda entry: order.get(entry.file, len(order)))
            index.entries, index.damaged = entries, []
            remove_partial_files(self.folder, older_than_s=STALE_S)
        return Repair(added, dropped, refused, len(entries) - len(added))

    def find(self, wanted: str) -> Entry:
        """The model with this file name (with or without suffix), name, id or beginning of an id;
        raises LibraryError if there is none, or more than one.
        """
        entries = self.entries()
        if Path(wanted).parent != Path() and Path(wanted).parent.resolve() == self.folder.resolve():
            wanted = Path(wanted).name
        wanted = _composed(wanted)
        matching = (
            [
                entry
                for entry in entries
                if wanted in (_composed(entry.file), _composed(Path(entry.file).stem))
            ],
            [entry for entry in entries if wanted == _composed(entry.name)],
            [entry for entry in entries if wanted.lower() == entry.id.lower()],
            [
                entry
                for entry in entries
                if len(wanted) >= SHORTEST_PREFIX and entry.id.lower().startswith(wanted.lower())
            ],
        )
        found = next((entries for entries in matching if entries), [])
        if len({entry.checksum for entry in found}) == 1:  # copies of one model count as one
            return found[0]
        if found:
            listed = ", ".join(f"{e.file} (id {e.id[:8]})" for e in found[:NAMES_SHOWN])
            raise LibraryError(f"{wanted}: this can mean several models: {listed}")
        names = sorted(shown_name(entry.name, entry.file) for entry in entries)
        more = ", ..." if len(entries) > NAMES_SHOWN else ""
        content = f"it has {', '.join(names[:NAMES_SHOWN])}{more}" if names else "it is empty"
        raise LibraryError(
            f"{wanted}: no such model file, and no such model in {self.folder}: {content}"
        )

    def model_path(self, wanted: str) -> Path:
        """The path of a bundle, the folder of a run, or a word for `find` → the bundle's path.

        Raises LibraryError if there is none.
        """
        with suppress(RuntimeError, OSError, ValueError):  # a word that cannot be a path is a name
            path = path_of(wanted)
            if path.suffix == ".distill":
                return path  # reading it gives the best message
            if path.exists() or len(path.parts) > 1:
                path = bundle_at(path)
            if path.exists() and not path.is_dir():
                return path
            if len(path.parts) > 1 and not path.is_dir():
                raise LibraryError(f"{wanted}: no such file")
        return self.path_of(self.find(wanted))

    def next_name(self, name: str, *, is_numbered: bool) -> str:
        """A name that no model here has, for one made from the model of this name; as `next_name`
        of `distill.catalog.files` says.
        """
        return next_name(name, self._list_undamaged(), is_numbered=is_numbered)

    def _list_undamaged(self) -> list[Entry]:
        """The models; empty if the index is damaged, because adding a model makes it again."""
        try:
            return self.entries()
        except DamagedIndexError:
            return []

    def _file_of(self, model_id: str | None, entries: Iterable[Entry]) -> Entry | None:
        """The first model of this id whose file is there."""
        alike = (entry for entry in entries if entry.id == model_id)
        return next((entry for entry in alike if self.path_of(entry).is_file()), None)

    def _same_as(self, model: Entry) -> Path | None:
        """The path in the library of exactly this model; None if it is not there."""
        alike = (each for each in self._list_undamaged() if each.checksum == model.checksum)
        return next(map(self.path_of, alike), None)

    def _add(self, bundle: Path, new: Entry) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        target = self._copy(bundle, file_stem(new.name))
        added = describe(target)
        with self._change_index() as index:
            enter_all(index, [added])
        return target

    def _change_index(self) -> AbstractContextManager[Index]:
        return change_index(
            self.folder, rebuild=lambda: describe_all(self.folder, files_in(self.folder))[0]
        )

    def _copy(self, bundle: Path, stem: str) -> Path:
        """Copy a bundle into the folder under the first free name: stem, stem_1, stem_2 ..."""
        names = (stem if number == 0 else f"{stem}_{number}" for number in count())
        return write_free(
            (self.folder / f"{name}{SUFFIX}" for name in names),
            lambda partial: shutil.copyfile(bundle, partial),
        )


def _composed(name: str) -> str:
    """The same for a letter with an accent and a letter followed by one."""
    return unicodedata.normalize("NFC", name)


def _replace(target: Path, bundle: Path) -> None:
    with whole_file(target) as partial:
        shutil.copyfile(bundle, partial)
