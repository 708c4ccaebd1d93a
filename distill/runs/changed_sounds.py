"""the sounds of a run when it began, and now → what changed, and how to train further with them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from distill.catalog.index import DEFAULT_FOLDER
from distill.data.collection import REPORT
from distill.errors import RunError
from distill.runs.folder import best_bundle
from distill.runs.summary import model_word, read_summary
from distill.system.json_values import read_object
from distill.system.paths import from_here, is_address, is_folder, natural_key, path_of
from distill.system.shell import command_of, shell_line

if TYPE_CHECKING:
    from distill.data.collection import Collection

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Change:
    """Names of files, by what became of them; a sound that has only moved is in none."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    """Files with other content than before."""

    @classmethod
    def between(cls, before: Mapping[str, str], now: Mapping[str, str]) -> Change:
        """Place of a sound in its folder → its content, twice → what changed."""
        known, there = set(before.values()), set(now.values())
        new = {path for path, content in now.items() if content not in known}
        gone = {path for path, content in before.items() if content not in there}
        changed = new & gone
        return cls(*(_names(paths) for paths in (new - changed, gone - changed, changed)))

    def __str__(self) -> str:
        """How many of each, and the first name: `5 added, 1 removed (first: kick.wav)`; empty if
        nothing changed.
        """
        counts = [f"{len(names):,} {word}" for word, names in vars(self).items() if names]
        first = next((names[0] for names in vars(self).values() if names), "")
        return f"{', '.join(counts)} (first: {first})" if counts else ""


def change_of(run_dir: Path, collection: Collection) -> Change:
    """What changed since the run read its sounds; nothing if that is not known."""
    before = _sounds_in(run_dir)
    folders = collection.folders
    now = {_inside(sound.path, folders): sound.content for sound in collection.sounds}
    return Change.between(before or now, now)


def check_same_sounds(run_dir: Path, collection: Collection) -> None:
    """Compare a resumed run's sounds with those that it read: warn if a few differ, raise RunError
    if more than half of them are gone. Both name the command that trains its model further.
    """
    known = set(_sounds_in(run_dir).values())
    now = {sound.content for sound in collection.sounds}
    command = further_command(run_dir, collection.folders)
    if 2 * len(known & now) < len(known):
        where = ", ".join(str(from_here(Path(folder))) for folder in collection.folders)
        raise RunError(
            f"{where}: {len(known - now):,} of this run's {len(known):,} sounds are gone; "
            f"to train on other sounds, start a new run without resume={_or(command)}"
        )
    if change := str(change_of(run_dir, collection)):
        log.warning(
            "the sounds of this run changed since it began: %s; figures from here on cannot be "
            "compared with earlier ones%s",
            change,
            f"; for a new model of all of them: {command}" if command else "",
        )


def check_own_folders(run_dir: Path, given: Sequence[str]) -> None:
    """Raise RunError for folders beside `resume=` that are not those of the run, where these are
    still there: the run would not read them. Folders that are gone may have moved.
    """
    folders = read_object(run_dir / REPORT).get("folders")
    own = [each for each in folders if isinstance(each, str)] if isinstance(folders, list) else []
    places = [_place(folder) for folder in own]
    others = [folder for folder in given if _place(folder) not in places]
    missing = {_place(folder) for folder in given} ^ set(places)
    if not own or not missing or not all(is_folder(each) or is_address(each) for each in own):
        return
    where = ", ".join(str(from_here(path_of(folder))) for folder in own)
    outside = [each for each in others if not _lies_in(each, own)]
    command = further_command(run_dir, [*own, *outside])
    raise RunError(
        f"{', '.join(others or given)}: a run continues with its own sounds, and those of this one "
        f"are in {where}; leave the folder out{_or(command)}"
    )


def further_command(run_dir: Path, folders: Sequence[str]) -> str:
    """The command that trains the model of a run further with the sounds in these folders; empty if
    the run has left no model.
    """
    summary = read_summary(run_dir)
    published = Path(summary.published) if summary and summary.published else None
    library = []
    if summary and published and published.is_file():
        model = model_word(summary.name, published)
        if published.parent != DEFAULT_FOLDER.absolute():  # where the new one belongs, too
            library = [f"library.dir={from_here(published.parent)}"]
    elif best_bundle(run_dir).is_file():
        model = str(from_here(run_dir))
    else:
        return ""
    words = [each if is_address(each) else str(from_here(path_of(each))) for each in folders]
    return f"{command_of('train')} {shell_line([*words, f'base={model}', *library])}"


def _or(command: str) -> str:
    return f", or train its model further: {command}" if command else ""


def _names(paths: set[str]) -> tuple[str, ...]:
    return tuple(sorted((Path(path).name for path in paths), key=natural_key))


def _sounds_in(run_dir: Path) -> dict[str, str]:
    """Place of each sound that the run has read → its content; empty if there is no report."""
    report = read_object(run_dir / REPORT)
    try:
        folders = [str(folder) for folder in report["folders"]]
        used = report["used"]
        return {_inside(str(each["path"]), folders): str(each["content"]) for each in used}
    except (TypeError, KeyError):
        return {}


def _inside(path: str, folders: Sequence[str]) -> str:
    """Where a sound lies in the folders of a run, wherever these are by now."""
    for number, folder in enumerate(folders):
        with suppress(ValueError):
            return f"{number}/{Path(path).relative_to(folder)}"
    return path


def _place(folder: str) -> str:
    return folder if is_address(folder) else str(path_of(folder).resolve())


def _lies_in(folder: str, others: Sequence[str]) -> bool:
    return any(Path(_place(folder)).is_relative_to(_place(other)) for other in others)
