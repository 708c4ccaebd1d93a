"""the bundles in a library folder → their entries, and how the index differs from them. Imports
torch only to read bundles.
"""

from __future__ import annotations

import logging
import os
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from distill.bundle import SUFFIX
from distill.catalog.entry import Entry
from distill.catalog.index import VERSION, Index
from distill.errors import BundleError
from distill.system.names import RESERVED, file_part
from distill.system.validation import InvalidError

LONGEST_NAME = 100
NAMES_SHOWN = 8
NUMBERED, NUMBER = re.compile(r"(.*\S) ([0-9]{1,6})"), re.compile(r"[0-9]{1,6}")
log = logging.getLogger(__name__)
File = tuple[str, int, int]
"""Name, size in bytes and time of change (ns) of a bundle in the folder."""


@dataclass(frozen=True)
class Difference:
    """What was done to the files of a library by hand."""

    unlisted: tuple[File, ...]
    """Those without an entry, or of another size than theirs."""
    gone: tuple[str, ...]
    """Names in the index of files that are not there."""

    def __bool__(self) -> bool:
        return bool(self.unlisted or self.gone)


def difference_of(folder: Path, index: Index, *, known: Collection[File] = ()) -> Difference:
    """How an index differs from its folder, apart from files that are `known` to be no models.
    Not at all for an index that needs a repair, or a newer distill.
    """
    if index.damaged or index.version > VERSION:
        return Difference((), ())
    files = files_in(folder)
    sizes = {entry.file: entry.size_bytes for entry in index.entries}
    names = {name for name, _, _ in files}
    return Difference(
        tuple(file for file in files if file not in known and sizes.get(file[0]) != file[1]),
        tuple(name for name in sizes if name not in names),
    )


def files_in(folder: Path) -> list[File]:
    """The bundles in a folder by name; none if it is not there."""
    try:
        found = [
            (entry.name, (status := entry.stat()).st_size, status.st_mtime_ns)
            for entry in os.scandir(folder)
            if entry.name.endswith(SUFFIX) and entry.name[0] != "." and entry.is_file()
        ]
    except FileNotFoundError:
        return []
    return sorted(found)


def describe_all(folder: Path, files: Iterable[File]) -> tuple[list[Entry], dict[str, str]]:
    """Entries of the bundles, and errors of the files that are not bundles."""
    entries, refused = [], {}
    for name, _, _ in files:
        try:
            entries.append(describe(folder / name))
        except BundleError as error:
            refused[name] = str(error).removeprefix(f"{name}: ")
    return entries, refused


def describe(bundle: Path) -> Entry:
    """Make the entry of a bundle from its small parts; raises BundleError if it is not a bundle."""
    from distill.bundle.reader import read_bundle  # torch: only here

    content = read_bundle(bundle, weights=False)
    try:
        return Entry.of(content, bundle)
    except InvalidError as error:
        raise BundleError(f"{bundle.name}: {error}") from error


def enter_all(index: Index, found: Iterable[Entry], gone: Collection[str] = ()) -> None:
    """Enter what was found, and drop what is gone."""
    new = {entry.file: entry for entry in found}
    kept = [new.pop(entry.file, entry) for entry in index.entries if entry.file not in gone]
    index.entries = [*kept, *new.values()]


def tell(
    folder: Path, added: Sequence[str], gone: Sequence[str], refused: Mapping[str, str]
) -> None:
    """Warn of what was found, in one line."""
    told = [f"added: {', '.join(added[:NAMES_SHOWN])}"] if added else []
    told += [f"gone: {', '.join(gone[:NAMES_SHOWN])}"] if gone else []
    left_out = [f"{name}: {reason}" for name, reason in refused.items()]
    told += [f"left out: {', '.join(left_out[:NAMES_SHOWN])}"] if left_out else []
    log.warning("%s: its files are others than its list had; %s", folder, "; ".join(told))


def shown_name(name: str, file: str) -> str:
    """A model's name, with the file's name to type if another model has the same: `kit (kit_1)`."""
    stem = Path(file).stem
    return name if stem == file_stem(name) else f"{name} ({stem})"


def next_name(name: str, entries: Iterable[Entry], *, is_numbered: bool) -> str:
    """The name of a model that is made from the one of this name: `kit` → `kit 2`, and `kit 2` →
    `kit 3` if it `is_numbered`; higher than all numbers of that name, as names or file names.
    """
    found = NUMBERED.fullmatch(name) if is_numbered else None
    plain, highest = (found[1], int(found[2])) if found else (name, 1)
    taken = [key for entry in entries for key in (entry.name, Path(entry.file).stem)]
    for gap, beginning in ((" ", plain), ("_", file_stem(plain))):
        numbers = (key.removeprefix(f"{beginning}{gap}") for key in taken)
        highest = max([highest, *(int(each) for each in numbers if NUMBER.fullmatch(each))])
    return f"{plain} {highest + 1}"


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
