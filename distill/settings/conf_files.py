"""the YAML files of conf/ → every key with its default and its comment.

Without Hydra or a YAML parser, so that `--help` is fast.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

CONFIG_NAME = "train"
LINE = re.compile(r"(?P<indent> *)(?P<key>\w+):(?: +(?P<value>.*))?")
INCLUDE = re.compile(r" *- (?P<file>\w+)$")
CHOICE = re.compile(r" *- (?P<group>\w+): (?P<file>\w+)")


@dataclass(frozen=True)
class Key:
    """A key of the configuration, as written in its file."""

    name: str
    """The key as a user types it: `data.val_fraction`."""
    default: str
    comment: str


def config_dir() -> Path:
    """The folder conf/: inside the package in a wheel, beside the package in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "conf"
    return inside if inside.is_dir() else package.parent / "conf"


def group_files() -> dict[str, list[str]]:
    """Each group with the files to choose from, in the order of `train.yaml`."""
    return {group: files_of(group) for group in chosen_files()}


def files_of(group: str, own: Sequence[Path] = ()) -> list[str]:
    """The files to choose from for a group, those in the `own` folders too: `quick`, and of a
    folder in the group `drums/quick`.
    """
    folders = [folder / group for folder in (config_dir(), *own)]
    files = [path.relative_to(at) for at in folders for path in at.rglob("*.yaml")]
    return sorted(path.with_suffix("").as_posix() for path in files)


def chosen_files() -> dict[str, str]:
    """Each group with its default file; `null` if there is none."""
    lines = _lines(config_dir() / f"{CONFIG_NAME}.yaml")
    return {found["group"]: found["file"] for line in lines if (found := CHOICE.match(line))}


def top_keys() -> list[Key]:
    """The keys that belong to no group."""
    keys = _keys_in(config_dir() / f"{CONFIG_NAME}.yaml")
    return [key for key in keys if not key.name.startswith("hydra")]


def group_keys(group: str, file: str) -> list[Key]:
    """The keys of one file of a group, with those of the files that it includes."""
    path = config_dir() / group / f"{file}.yaml"
    included = [found["file"] for line in _lines(path) if (found := INCLUDE.match(line))]
    keys = [key for name in included if name != "_self_" for key in group_keys(group, name)]
    for key in _keys_in(path):
        keys.append(Key(f"{group}.{key.name}", key.default, key.comment))
    return keys


def every_key() -> list[Key]:
    """The keys of no group, and those of the default file of each group."""
    files = chosen_files().items()
    of_groups = [key for group, file in files if file != "null" for key in group_keys(group, file)]
    return [*top_keys(), *of_groups]


def _keys_in(path: Path) -> Iterator[Key]:
    """Every key of a file that has a value; nested keys are joined with dots."""
    above: list[tuple[int, str]] = []
    for line in _lines(path):
        found = LINE.match(line)
        if not found or found["key"] == "defaults":
            continue
        indent = len(found["indent"])
        above = [(depth, key) for depth, key in above if depth < indent]
        value, _, comment = (found["value"] or "").partition("# ")
        if value.strip():
            name = ".".join([*(key for _, key in above), found["key"]])
            yield Key(name, value.strip(), comment.strip())
        above.append((indent, found["key"]))


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()
