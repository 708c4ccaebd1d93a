"""the sounds on disk → choices of sounds to begin with; and what was given → files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from urllib.parse import urlencode

from distill.catalog.entry import Entry
from distill.dashboard.state.kits import is_kit, kit_sounds
from distill.dashboard.state.known_sounds import SOURCE, KnownSound, KnownSounds
from distill.dashboard.state.new_sounds import call_folders
from distill.dashboard.state.places import Places
from distill.dashboard.state.sounds import address_of, served_file, sounds_in, source_of
from distill.listen.folder import FILES
from distill.system.paths import list_folder
from distill.system.terminal import plain

MOST_CHOICES = 300
Given = tuple[str | None, str | None]
"""A file that was uploaded or recorded, and the source of one that is here."""


def sound_choices(places: Places) -> list[tuple[str, str]]:
    """Sounds to begin with, as labels and sources: kept ones, new ones, and held-out originals of
    runs.
    """
    return [choice_of(places, path) for path in islice(_sounds(places), MOST_CHOICES)]


def choice_of(places: Places, path: Path) -> tuple[str, str]:
    """The name of a sound with the folder of the run or call that it is of, and its source."""
    folder = path.parent
    if folder.name == FILES or folder.parent.parent == places.new_sounds:  # a class of a kit
        folder = folder.parent
    return plain(f"{path.name} ({folder.name})"), source_of(places, path)


def given_sounds(
    known: KnownSounds, entry: Entry, given: Iterable[Given], *, as_files: bool
) -> Iterator[Path | KnownSound]:
    """Of each the uploaded sound, or else the one that is here already; one that the model knows is
    a file only if it is to be. Raises DistillError.
    """
    for uploaded, here in given:
        if uploaded:
            yield Path(uploaded)
        elif here and (sound := known.find(entry, here)):
            yield known.file_of(entry, here) if as_files else sound
        elif here and (path := served_file(known.places, here)):
            yield path


def heard(known: KnownSounds, file: str | None, source: str | None) -> dict[str, str] | None:
    """What plays the sound of a source, which may be one that the model in `file` knows; None for
    what is none.
    """
    if source and SOURCE.fullmatch(source):
        return {"url": f"/api/known_sound?{urlencode({'file': file or '', 'source': source})}"}
    if source and (path := served_file(known.places, source)):
        return {"url": address_of(known.places, path)}
    return None


def _sounds(places: Places) -> Iterator[Path]:
    yield from sounds_in(places.kept)
    for call in call_folders(places):
        yield from kit_sounds(call) if is_kit(call) else sounds_in(call)
    for run_dir in list_folder(places.trained)[::-1]:
        yield from (path for path in sounds_in(run_dir / FILES) if "_original." in path.name)
