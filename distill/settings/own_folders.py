"""folders of settings that somebody has written, as typed → absolute and checked. No Hydra."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from distill.errors import DistillError
from distill.settings.conf_files import CONFIG_NAME, chosen_files, config_dir
from distill.system.paths import exists, from_here, is_folder, list_folder, path_of

SEARCHPATH = "hydra.searchpath"
"""The setting that holds these folders."""
OF_HYDRA = "hydra"
FILE, PACKAGE = "file://", "pkg://"
YAML = ".yaml"
MAIN = f"{CONFIG_NAME}{YAML}"


def own_folders(typed: Sequence[str]) -> tuple[Path, ...]:
    """The folders, absolute, so that a sweep's jobs find them from wherever they run.

    Each is a path, `file://PATH` or `pkg://PACKAGE`. Raises DistillError for one that is not there
    or holds no settings, and for a file whose name distill or an earlier folder has, too: Hydra
    would read only one of them, and say nothing.
    """
    folders: list[Path] = []
    for word in typed:
        folder = _folder_of(word)
        if folder not in folders:
            _check_content(folder)
            _check_names(folder, folders)
            folders.append(folder)
    return tuple(folders)


def _folder_of(word: str) -> Path:
    if word.startswith(PACKAGE):
        return _folder_of_package(word)
    path = path_of(word.removeprefix(FILE))
    if not word.strip() or not is_folder(path):
        what = "is a file, not a folder" if word.strip() and exists(path) else "no such folder"
        raise DistillError(f"{word or '--config-dir'}: {what}; give a folder of settings")
    return path.absolute()


def _folder_of_package(word: str) -> Path:
    name = word.removeprefix(PACKAGE).replace("/", ".")
    try:
        found = find_spec(name)
    except (ImportError, ValueError):
        found = None
    places = list(found.submodule_search_locations or ()) if found else []
    if not places or not is_folder(places[0]):
        raise DistillError(f"{word}: no package {name} with a folder is installed")
    return Path(places[0]).absolute()


def _check_content(folder: Path) -> None:
    groups = [*chosen_files(), OF_HYDRA]
    for group in groups:
        for path in (folder / group).glob("*.yml"):
            raise DistillError(f"{from_here(path)}: Hydra reads {YAML} only; rename the file")
    if any(any((folder / group).rglob(f"*{YAML}")) for group in groups):
        return
    advice = f"settings are {YAML} files in folders named as their group: {', '.join(groups)}"
    if folder.name in groups and any(folder.glob(f"*{YAML}")):
        advice = f"give the folder above it: {from_here(folder.parent)}"
    for path in list_folder(folder):
        near = difflib.get_close_matches(path.name, groups, n=1)
        if near and path.is_dir() and any(path.rglob(f"*{YAML}")):
            advice = f"the group is called {near[0]}, not {path.name}"
    raise DistillError(f"{from_here(folder)}: no settings in it; {advice}")


def _check_names(folder: Path, before: Sequence[Path]) -> None:
    for name in _names_in(folder):
        if (config_dir() / name).is_file():
            raise DistillError(
                f"{from_here(folder / name)}: distill has a file {name}, too, and would read that; "
                "give yours another name"
            )
        for other in before:
            if (other / name).is_file():
                both = f"{from_here(folder / name)}: {from_here(other)} has a file {name}"
                raise DistillError(f"{both}, too; give one of them another name")


def _names_in(folder: Path) -> Iterator[str]:
    """The files that a run could read, relative to the folder."""
    if (folder / MAIN).is_file():
        yield MAIN
    for group in (*chosen_files(), OF_HYDRA):
        for path in sorted((folder / group).rglob(f"*{YAML}")):
            yield path.relative_to(folder).as_posix()
