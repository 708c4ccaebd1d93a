"""the folder of a kit → rows to play, what is missing, and all of it as a zip."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from distill.dashboard.state.places import Places
from distill.dashboard.state.sounds import is_sound, sound_row, sounds_in
from distill.dashboard.state.zips import zip_files
from distill.errors import SoundError
from distill.generation.ranges import MOST_PER_CLASS
from distill.system.given import real
from distill.system.json_values import read_object
from distill.system.paths import is_text, list_folder, written_ns
from distill.system.terminal import plain, quantity

LIST = "kit.json"
PRESETS = (".sfz", ".dspreset")
TAKE = re.compile(r"(?P<name>.+_\d{2,})(_soft(?P<layer>\d))?(_rr(?P<robin>\d))?\.wav")
"""The file of a take: the sound, the velocity layer below the first, the turn after the first."""
SOFT = ("loud", "soft", "softer", "softest")
LONGEST_S, FARTHEST_DB = 3_600.0, 1_000.0
"""Nothing beyond is believed of a list."""


def class_folders(folder: Path) -> list[Path]:
    """The folders of a kit's classes, reached without a link."""
    shown = (path for path in list_folder(folder) if is_text(path.name) and path.name[0] != ".")
    return [path for path in shown if path.is_dir() and not path.is_symlink()]


def kit_sounds(folder: Path) -> Iterator[Path]:
    """The first take of each sound of a kit, class by class as they were made."""
    for takes in _takes(folder).values():
        yield takes[0]


def kit_rows(places: Places, folder: Path) -> list[dict[str, Any]]:
    """A row for each sound of a kit, with its takes."""
    facts = {str(each.get("name")): each for each in _list(folder, "sounds")}
    return [
        sound_row(places, *takes, labels=_labels(takes)) | {"note": _note(facts.get(name, {}))}
        for name, takes in _takes(folder).items()
    ]


def kit_facts(folder: Path) -> dict[str, Any] | None:
    """What the page is told of a kit that was closed: where its zip is, and what is missing."""
    if not is_kit(folder):
        return None
    counts = read_object(folder / LIST).get("missing")
    pairs = counts.items() if isinstance(counts, dict) else ()
    told = ((real(count, 1, MOST_PER_CLASS), plain(name)) for name, count in pairs)
    missing = [f"{quantity(int(count), 'sound')} of {name}" for count, name in told if count]
    return {
        "url": f"/api/kit.zip?call={quote(folder.name)}",
        "file": zip_name(folder),
        "missing": ", ".join(missing),
    }


def is_kit(folder: Path) -> bool:
    """Whether a kit was made here, and closed."""
    return (folder / LIST).is_file() and not folder.is_symlink()


def kit_folder(places: Places, call: str) -> Path:
    """The folder of the kit that a call has made; raises SoundError if there is none."""
    folders = (path for path in list_folder(places.new_sounds) if path.name == call)
    if (folder := next(folders, None)) is None or not is_kit(folder):
        raise SoundError("there is no such kit (any more)")
    return folder


def zip_name(folder: Path) -> str:
    """What the zip of a kit is called: as its presets, if it has any."""
    stem = next((path.stem for path in _presets(folder)), folder.name)
    return f"{plain(stem)}.zip"


def zip_kit(folder: Path) -> Iterator[bytes]:
    """The sounds, presets and list of a kit as the bytes of a zip, with the paths that they have
    in its folder: the presets name them so.
    """
    sounds = (path for part in class_folders(folder) for path in sounds_in(part))
    files = [*_presets(folder), folder / LIST, *sounds]
    return zip_files((path, path.relative_to(folder).as_posix()) for path in files)


def _presets(folder: Path) -> list[Path]:
    return [path for path in list_folder(folder) if path.suffix in PRESETS]


def _takes(folder: Path) -> dict[str, list[Path]]:
    """Names of sounds → the files of their takes, the loud ones first; in the order of the kit's
    list, or without one as they were written.
    """
    found: dict[str, list[tuple[int, int, Path]]] = {}
    for part in class_folders(folder):
        for path in filter(is_sound, list_folder(part)):
            if take := TAKE.fullmatch(path.name):
                numbers = (int(take["layer"] or 0), int(take["robin"] or 1))
                found.setdefault(take["name"], []).append((*numbers, path))
    takes = {name: [path for *_, path in sorted(every)] for name, every in found.items()}
    listed = [str(each.get("name")) for each in _list(folder, "sounds")]
    places = {name: place for place, name in enumerate(listed)}
    order = sorted(
        takes, key=lambda name: (places.get(name, len(places)), written_ns(takes[name][0]), name)
    )
    return {name: takes[name] for name in order}


def _list(folder: Path, key: str) -> list[dict[str, Any]]:
    """The objects of a list in kit.json; none while it is not there, or is damaged."""
    values = read_object(folder / LIST).get(key)
    return [each for each in values if isinstance(each, dict)] if isinstance(values, list) else []


def _labels(takes: Sequence[Path]) -> list[str]:
    """What the takes of a sound are called beside each other."""
    found = [take for path in takes if (take := TAKE.fullmatch(path.name))]
    layered, turned = (any(take[key] for take in found) for key in ("layer", "robin"))
    labels = []
    for take in found:
        soft = SOFT[min(int(take["layer"] or 0), len(SOFT) - 1)] if layered else ""
        turn = take["robin"] or "1" if turned else ""
        labels.append(" ".join(filter(None, (soft or "take" * turned, turn))) or "new")
    return labels


def _note(facts: dict[str, Any]) -> str:
    """`key 36, 0.42 s; nearest: kicks/deep.wav, 8.1 dB away`."""
    key, length_s = real(facts.get("key"), 0, 127), real(facts.get("length_s"), 0, LONGEST_S)
    nearest, distance_db = facts.get("nearest"), real(facts.get("distance_db"), 0, FARTHEST_DB)
    told = "" if key is None else f"key {key:g}"
    if length_s is not None:
        told += f", {length_s:.2f} s"
    if nearest and distance_db is not None:
        told += f"; nearest: {nearest}, {distance_db:.1f} dB away"
    return plain(told)
