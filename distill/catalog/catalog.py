"""the library folder → its published bundles, found by name or id through an index. Imports torch
only to read bundles.
"""

from __future__ import annotations

import os
import shutil
import unicodedata
from collections.abc import Iterable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from distill.bundle import SUFFIX
from distill.catalog.entry import Entry
from distill.catalog.index import (
    DamagedIndexError,
    Index,
    change_index,
    read_index,
    repair_command,
)
from distill.catalog.run_model import bundle_at
from distill.errors import BundleError, LibraryError
from distill.system.atomic import remove_partial_files, whole_file, write_free
from distill.system.names import RESERVED, file_part
from distill.system.paths import path_of
from distill.system.validation import InvalidError

LONGEST_NAME = 100
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

    def entries(self) -> list[Entry]:
        """The models, in the order in which they were added; warns of damaged entries.

        Raises LibraryError if the whole index is damaged.
        """
        return read_index(self.folder).entries

    def orphans(self, entries: Iterable[Entry]) -> list[str]:
        """Names of bundles in the folder that have no entry."""
        known = {entry.file for entry in entries}
        return [name for name in self._files() if name not in known]

    def path_of(self, entry: Entry) -> Path:
        """Path of a model's bundle, which may have been deleted."""
        return self.folder / entry.file

    def publish(self, bundle: Path, *, earlier: str | None = None) -> Path:
        """Copy a bundle into the library under its model's name, add it to the index, and return
        its path.

        Other models are never overwritten, even if several runs publish at the same time. `earlier`
        is the name of the file that the same run published before; that file is replaced. Raises
        BundleError, LibraryError or OSError.
        """
        new = describe(bundle)
        self.folder.mkdir(parents=True, exist_ok=True)
        if any((entry.file, entry.id) == (earlier, new.id) for entry in self._list_undamaged()):
            assert earlier is not None
            target = self.folder / earlier
            with whole_file(target) as partial:
                shutil.copyfile(bundle, partial)
        else:
            target = self._copy(bundle, file_stem(new.name))
        with self._change_index() as index:
            index.entries = [entry for entry in index.entries if entry.file != target.name]
            index.entries.append(describe(target))
        return target

    def rename(self, entry: Entry, name: str) -> Path:
        """Give a model another name: in its bundle, in the index, and in its file name.

        The new file is complete before the old one is deleted; after an interruption between the
        two, `repair` corrects the index. Raises LibraryError if another model has that name,
        BundleError or OSError.
        """
        from distill.catalog.conversion import bundle_of  # torch: only here

        if not name.strip():
            raise LibraryError("a model's name cannot be empty")
        others = [other for other in self.entries() if other.file != entry.file]
        if taken := [other.file for other in others if name in (other.name, Path(other.file).stem)]:
            raise LibraryError(
                f"{name}: another model has this name ({taken[0]}); choose another name"
            )
        old = self.path_of(entry)
        with bundle_of(old, {"name": name}) as bundle, self._change_index() as index:
            if file_stem(name) == old.stem:
                target = old
                with whole_file(target) as partial:
                    shutil.copyfile(bundle, partial)
            else:
                target = self._copy(bundle, file_stem(name))
                old.unlink()
            renamed = describe(target)
            index.entries = [
                renamed if other.file == entry.file else other for other in index.entries
            ]
        return target

    def same_as(self, bundle: Path) -> Path | None:
        """The path in the library of exactly this model, None if it is not there; raises
        BundleError.
        """
        checksum = describe(bundle).checksum
        same = (
            self.path_of(entry) for entry in self._list_undamaged() if entry.checksum == checksum
        )
        return next((path for path in same if path.is_file()), None)

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
            files = self._files()
            entries, refused = self._describe_all(files)
            known = {(entry.file, entry.checksum) for entry in index.entries}
            added = [entry.file for entry in entries if (entry.file, entry.checksum) not in known]
            dropped = [entry.file for entry in index.entries if entry.file not in files]
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
            return next((e for e in found if self.path_of(e).is_file()), found[0])
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
        entry = self.find(wanted)
        if not self.path_of(entry).is_file():
            raise LibraryError(
                f"{wanted}: {self.path_of(entry)} is missing; "
                f"to remove it from the list: `{repair_command(self.folder)}`"
            )
        return self.path_of(entry)

    def _list_undamaged(self) -> list[Entry]:
        """The models; empty if the index is damaged, because adding a model makes it again."""
        try:
            return self.entries()
        except DamagedIndexError:
            return []

    def _change_index(self) -> AbstractContextManager[Index]:
        return change_index(self.folder, rebuild=lambda: self._describe_all(self._files())[0])

    def _describe_all(self, files: Iterable[str]) -> tuple[list[Entry], dict[str, str]]:
        """Entries of the bundles in the folder, and errors of the files that are not bundles."""
        entries, refused = [], {}
        for name in files:
            try:
                entries.append(describe(self.folder / name))
            except BundleError as error:
                refused[name] = str(error).removeprefix(f"{name}: ")
        return entries, refused

    def _files(self) -> list[str]:
        try:
            return sorted(
                entry.name
                for entry in os.scandir(self.folder)
                if entry.name.endswith(SUFFIX) and entry.name[0] != "." and entry.is_file()
            )
        except FileNotFoundError:
            return []

    def _copy(self, bundle: Path, stem: str) -> Path:
        """Copy a bundle into the folder under the first free name: stem, stem_1, stem_2 ..."""
        names = (stem if number == 0 else f"{stem}_{number}" for number in count())
        return write_free(
            (self.folder / f"{name}{SUFFIX}" for name in names),
            lambda partial: shutil.copyfile(bundle, partial),
        )


def describe(bundle: Path) -> Entry:
    """Make the entry of a bundle from its small parts; raises BundleError if it is not a bundle."""
    from distill.bundle.reader import read_bundle  # torch: only here

    content = read_bundle(bundle, weights=False)
    try:
        return Entry.of(content, bundle)
    except InvalidError as error:
        raise BundleError(f"{bundle.name}: {error}") from error


def _composed(name: str) -> str:
    """The same for a letter with an accent and a letter followed by one."""
    return unicodedata.normalize("NFC", name)


def shown_name(name: str, file: str) -> str:
    """A model's name, with the file's name to type if another model has the same: `kit (kit_1)`."""
    stem = Path(file).stem
    return name if stem == file_stem(name) else f"{name} ({stem})"


def file_stem(name: str) -> str:
    """A model's name → a file name of lower case letters of all scripts, digits, `_` and `-`, at
    most 100 characters long.
    """
    letters: list[str] = []
    for letter in unicodedata.normalize("NFKD", name):  # which separates accents from letters
        if not (unicodedata.combining(letter) and letters and letters[-1].isascii()):
            letters.append(letter)
    plain = "".join(letters).lower()
    stem = file_part(plain, gap="_", longest=LONGEST_NAME, signs="_-", empty="").lstrip("_-")
    return f"{stem}_" if RESERVED.fullmatch(stem) else stem or "untitled"
