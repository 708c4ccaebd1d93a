"""a sound or folder → whether distill made it, by its mark, wherever it lies."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from distill.system.atomic import write_text
from distill.system.run_parts import CONFIG, LOG, PROGRESS

TAG = "DISTILL_MODEL"
"""The tag of distill's own sounds; its value names the model."""
COMMENT = "COMMENT"
"""The tag that holds `DISTILL_MODEL=...` in formats without names of one's own."""
PAGE_ROWS = "distill_listen.json"
"""The file that marks the folder of a page's sounds and pictures, and holds its rows."""
PAGE_MARK = "<!DOCTYPE html><!-- distill: a page to listen -->"
"""What a page to listen begins with."""
FOLDERS = (
    ({PROGRESS, CONFIG}, "a run"),
    ({PROGRESS, LOG}, "a run"),
    ({"distill.json", "collection.json"}, "shards"),
    ({PAGE_ROWS}, "the sounds of a page to listen"),
    ({"00 pluck 82 Hz.wav", "14 bell 440 Hz.wav", "23 siren.flac"}, "the demo sounds"),
)
"""The files by which a folder that distill wrote is known, and what it is."""
CACHE_TAG = "CACHEDIR.TAG"
CACHE_SIGNATURE = "Signature: 8a477f597d28d172789f06886806bc55"
CACHE_TEXT = f"""{CACHE_SIGNATURE}
# distill wrote the files in this folder, and writes them again when they are missing.
# Source of this mark: https://bford.info/cachedir/
"""


def model_in(tags: Mapping[str, str]) -> str | None:
    """The model that a sound with these tags, names in capitals, was made with; None for other
    sounds.
    """
    if TAG in tags:
        return tags[TAG]
    name, _, model = tags.get(COMMENT, "").partition("=")
    return model if name == TAG else None


def mark_cache(folder: Path) -> None:
    """Mark a folder whose files can be written again. Raises OSError."""
    mark = folder / CACHE_TAG
    if not mark.exists():
        write_text(mark, CACHE_TEXT)


def kind_of_folder(folder: Path, names: Collection[str]) -> str | None:
    """What a folder that holds files with these names is, if distill made it; None otherwise."""
    for files, kind in FOLDERS:
        if files <= set(names):
            return kind
    if CACHE_TAG in names:
        try:
            text = (folder / CACHE_TAG).read_text("utf-8", errors="replace")
        except OSError:
            return None
        if text == CACHE_TEXT:
            return "files that are written again"
    return None
