"""folders of previews, pages and new sounds → rows to play, and the addresses of their files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from distill.codec.yardstick import rate, show_figures
from distill.dashboard.state.places import Places
from distill.listen.folder import FILES, read_rows
from distill.listen.rows import Row
from distill.runs.folder import EARLY_SOUNDS, NEW_SOUNDS, PREVIEWS
from distill.runs.summary import Summary
from distill.system.paths import is_text, list_folder, natural_key, written_ns
from distill.system.terminal import plain

TYPES = {
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".png": "image/png",
}
"""What is served, by the end of its name, and as what."""
ADDRESS = "/sounds/"
SERVED = re.compile(
    rf"(train/[^/]+|multirun/[^/]+/[^/]+)/"
    rf"({PREVIEWS}/[^/]+|{FILES}|({EARLY_SOUNDS}|{NEW_SOUNDS}(-[0-9]+)?)(/{FILES})?)"
    r"|generated/[^/]+(/[^/]+)?|kept|dashboard/demo"
)
"""The folders below `outputs` whose files are served; below those of new sounds are the files of a
page, and the classes of a kit.
"""
PREVIEW = re.compile(r"(\d+)_(.+)_(original|result|without)\.wav")
PICTURE = "mels.png"
EPOCH = re.compile(r"(\w+_)?epoch_(\d+)")


def may_be_served(address: str) -> bool:
    """Whether a file may be served by where it lies and how it ends, if it exists; `address` is the
    part behind ADDRESS.
    """
    parts = address.split("/")
    is_sound = PurePosixPath(parts[-1]).suffix.lower() in TYPES and not any(map(_is_odd, parts))
    return is_sound and SERVED.fullmatch("/".join(parts[:-1])) is not None


def served_file(places: Places, address: str) -> Path | None:
    """The file of an address, if it may be served and is reached without a link; else None."""
    if not may_be_served(address):
        return None
    parts = address.split("/")
    path = places.outputs.joinpath(*parts)
    try:
        # the folder may lie on another disk, behind a link; what is in it may not
        base = places.outputs.joinpath(parts[0]).resolve()
        is_itself = path.resolve(strict=True) == base.joinpath(*parts[1:])
        return path if is_itself and path.is_file() else None
    except (OSError, ValueError, RuntimeError):  # no such file, not a name, a circle of links
        return None


def _is_odd(part: str) -> bool:
    return not part or part.startswith(".") or "\\" in part or "\0" in part


def source_of(places: Places, path: Path) -> str:
    """A file below `outputs` → its name for the page: the path seen from there."""
    return path.relative_to(places.outputs).as_posix()


def address_of(places: Places, path: Path) -> str:
    """A file below `outputs` → its address; one that was written anew has another one."""
    try:
        stamp = path.stat().st_mtime_ns
    except OSError:
        stamp = 0
    return f"{ADDRESS}{quote(os.fsencode(source_of(places, path)), safe='/')}?{stamp:x}"


def preview_rows(places: Places, run_dir: Path) -> tuple[str, list[dict[str, Any]]]:
    """The newest previews of a run: what they are, and a row for each clip."""
    if not (found_last := _newest_previews(run_dir)):
        return "", []
    match, folder = found_last
    clips: dict[tuple[int, str], dict[str, Path]] = {}
    for path in list_folder(folder):
        if found := PREVIEW.fullmatch(path.name):
            clips.setdefault((int(found[1]), found[2]), {})[found[3]] = path
    rows: list[dict[str, Any]] = []
    seen: list[str] = []
    for (number, name), takes in sorted(clips.items()):
        seen.append(name)  # two clips may be of one sound
        more = f" ({seen.count(name)})" if seen.count(name) > 1 else ""
        shown = [_take(places, label, path) for label, path in sorted(takes.items())]
        rows.append({"id": f"preview {number}", "name": plain(name + more), "takes": shown})
    stage = (match[1] or "codec").strip("_")
    when = f"epoch {int(match[2])}" if int(match[2]) else "in its first epoch"
    return f"{stage}, {when}", rows


def preview_picture(places: Places, run_dir: Path) -> str | None:
    """The address of the picture of the newest previews."""
    found = _newest_previews(run_dir)
    return address_of(places, found[1] / PICTURE) if found else None


def _newest_previews(run_dir: Path) -> tuple[re.Match[str], Path] | None:
    """Those that are whole: their picture is written last."""
    folders = [
        (match, path)
        for path in list_folder(run_dir / PREVIEWS)
        if (match := EPOCH.fullmatch(path.name)) and (path / PICTURE).is_file()
    ]
    return max(folders, key=lambda found: (written_ns(found[1]), found[1].name), default=None)


def coming_sounds(run_dir: Path) -> Path | None:
    """The folder of new sounds that a run at work wrote to last; None if there is none."""
    folders = (path for path in list_folder(run_dir) if path.name.startswith(NEW_SOUNDS))
    return max(folders, key=written_ns, default=None)


def new_sounds_of(run_dir: Path, summary: Summary | None) -> Path:
    """The folder of the new sounds that a run made last: each prior of it has one of its own. As
    long as there is none, that of the first sounds of a prior that still learns.
    """
    page = summary.new_sounds_page if summary else None
    if page:
        return run_dir / Path(page).parent.name
    made = run_dir / NEW_SOUNDS
    return made if made.exists() else run_dir / EARLY_SOUNDS


def page_rows(places: Places, folder: Path) -> list[dict[str, Any]]:
    """The rows of the page to listen in a folder; empty if there is none."""
    return [_page_row(places, folder, row) for row in read_rows(folder) if row.is_in(folder)]


def _page_row(places: Places, folder: Path, row: Row) -> dict[str, Any]:
    rating = rate(row.figures)
    figures = ", ".join(show_figures(row.figures))
    return {
        "id": source_of(places, folder / row.file),
        "name": plain(row.name),
        "takes": [
            _take(places, take.label, folder / take.path, of=row.name * (take.path != row.file))
            for take in row.takes
        ],
        "picture": address_of(places, folder / row.picture) if row.picture else None,
        "figures": figures,
        "word": f"{rating.closeness}{rating.fault}" if rating else "",
        "note": plain(row.note),
        "source": source_of(places, folder / row.file),
    }


def sound_row(
    places: Places, path: Path, *others: Path, labels: Sequence[str] = ("new",)
) -> dict[str, Any]:
    """The row of a sound of which nothing else is known yet, with its other takes."""
    takes = zip(labels, (path, *others), strict=True)
    return {
        "id": source_of(places, path),
        "name": plain(path.name),
        "takes": [_take(places, label, each) for label, each in takes],
        "source": source_of(places, path),
    }


def sounds_in(folder: Path) -> Iterator[Path]:
    """The sounds that lie directly in a folder, by name, with numbers in their order."""
    sounds = filter(is_sound, list_folder(folder))
    shown = (path for path in sounds if path.name[0] != "." and is_text(path.name))
    return iter(sorted(shown, key=lambda path: natural_key(path.name)))


def is_sound(path: Path) -> bool:
    """Whether a file is named as a sound that is served."""
    return TYPES.get(path.suffix.lower(), "").startswith("audio/")


def _take(places: Places, label: str, path: Path, *, of: str = "") -> dict[str, str]:
    """One take; `of` names its sound, where its file is named for the page."""
    name = f"{Path(of).stem}_{label}{path.suffix}" if of else path.name
    kind = TYPES.get(path.suffix.lower(), "")
    return {"label": label, "url": address_of(places, path), "file": plain(name), "type": kind}
