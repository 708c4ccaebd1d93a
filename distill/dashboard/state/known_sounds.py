"""a model → the sounds that it knows, by name, and a file to hear each: its own or decoded."""

from __future__ import annotations

import json
import re
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath

from distill.catalog.entry import Entry
from distill.dashboard.state.places import Places
from distill.dashboard.state.processes import run_verb
from distill.dashboard.state.sounds import is_sound
from distill.data.collection import REPORT
from distill.errors import DistillError, SoundError, WriteError
from distill.generation.known_names import shown_number
from distill.runs.of_model import runs_of
from distill.system.json_values import read_object
from distill.system.terminal import plain

SOURCE = re.compile(r"known:([0-9a-f]{16}):([0-9]{1,7})")
"""What a known sound is called by the page: the beginning of its model's checksum, and its number,
counted from 0.
"""


@dataclass(frozen=True)
class KnownSound:
    """A sound that a model knows, as a request begins with it."""

    name: str
    number: int
    """Counted from 0."""

    def __str__(self) -> str:
        """The word for it on the command line."""
        return shown_number(self.number)


class KnownSounds:
    """The sounds that the models of a library know."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self._names: dict[str, list[str]] = {}
        """Checksum of a model → the names of what it knows."""
        self._reading, self._decoding = threading.Lock(), threading.Lock()

    def choices(self, entry: Entry | None, *, wait: bool) -> list[tuple[str, str]]:
        """Labels and sources of what a model knows; none if that was not read yet, unless it is to
        `wait`: a process reads it, since it needs torch.
        """
        if entry is None or entry.prior is None:
            return []
        names = self._read(entry) if wait else self._names.get(entry.checksum, [])
        return [
            (plain(f"{name} (training sound)"), f"known:{entry.checksum[:16]}:{number}")
            for number, name in enumerate(names)
        ]

    def find(self, entry: Entry, source: str) -> KnownSound | None:
        """The known sound of a source; None for another source. Raises SoundError for that of
        another model.
        """
        found = SOURCE.fullmatch(source)
        if found is None:
            return None
        names = self._read(entry) if found[1] == entry.checksum[:16] else []
        if int(found[2]) >= len(names):
            raise SoundError("this model does not know the sound: choose another one")
        return KnownSound(names[int(found[2])], int(found[2]))

    def file_of(self, entry: Entry, source: str) -> Path:
        """A file to hear a known sound: its own, if it still lies where the run read it, and a
        browser can play it; else the sound as the model decodes it. Raises DistillError.
        """
        sound = self.find(entry, source)
        if sound is None:
            raise SoundError("there is no such sound (any more)")
        return self._original(entry, sound) or self._decoded(entry, sound)

    def _read(self, entry: Entry) -> list[str]:
        with self._reading:
            if entry.checksum not in self._names:
                self._names[entry.checksum] = self._ask(entry)
            return self._names[entry.checksum]

    def _ask(self, entry: Entry) -> list[str]:
        words = ["sounds", f"--library={self.places.library}", "--json", "--", entry.file]
        with suppress(DistillError, ValueError, TypeError, KeyError):
            return [str(each["name"]) for each in json.loads(run_verb(["distill.library", *words]))]
        return []

    def _original(self, entry: Entry, sound: KnownSound) -> Path | None:
        """The only file of this name among the sounds of the run that made the prior."""
        fingerprint = entry.prior.dataset_fingerprint if entry.prior else ""
        wanted = PurePath(sound.name).parts
        for run_dir in runs_of(self.places.outputs, entry.id):
            report = read_object(run_dir / REPORT)
            if not fingerprint or report.get("fingerprint") != fingerprint:
                continue
            used = report.get("used")
            rows = (row for row in used if isinstance(row, dict)) if isinstance(used, list) else ()
            paths = (Path(str(row.get("path"))) for row in rows)
            found = [path for path in paths if path.parts[-len(wanted) :] == wanted]
            with suppress(OSError, ValueError):
                if len(found) == 1 and is_sound(found[0]) and found[0].is_file():
                    return found[0]
        return None

    def _decoded(self, entry: Entry, sound: KnownSound) -> Path:
        folder = self.places.outputs / "dashboard" / "known" / entry.checksum[:16]
        target = folder / f"{sound.number}.wav"
        with self._decoding:
            if target.is_file():
                return target
            try:
                folder.mkdir(parents=True, exist_ok=True)
                with tempfile.TemporaryDirectory(dir=folder) as made:
                    words = ["--count=1", "--seed=0", "--amount=0", f"--like={sound}"]
                    model = str(self.places.library / entry.file)
                    try:
                        run_verb(["distill.generate", *words, f"--out={made}", "--", model])
                    except DistillError:  # of what stands beside the sound, that is no matter
                        if not list(Path(made).glob("*.wav")):
                            raise
                    next(Path(made).glob("*.wav")).replace(target)
            except OSError as error:
                raise WriteError(target, error) from error
            except StopIteration:
                raise SoundError(f"{plain(sound.name)}: cannot be decoded") from None
        return target
