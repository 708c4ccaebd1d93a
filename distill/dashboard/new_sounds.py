"""what somebody wants to hear → `distill.generate` in a process of its own → rows of new sounds."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from distill.catalog.entry import Entry
from distill.dashboard.kept import kept_in
from distill.dashboard.places import Places
from distill.dashboard.processes import Started, as_words, last_words, read_started, start_verb
from distill.dashboard.sounds import address_of, page_rows, sound_row, sounds_in
from distill.errors import GenerationError
from distill.system.paths import listed
from distill.system.terminal import counted, plain
from distill.training.records.run_folder import new_run_dir

MOST_SOUNDS = 64
MOST_SHOWN = 12
MOST_AT_ONCE = 2
NOTE, LOG = "process.json", "generate.log"
SEED = re.compile(r"--seed=(\d{1,18})")
AGAIN = "again"
"""The way in which a sound is sent through the model, as it is."""
WAYS = {
    "new": "New sounds",
    "like": "Variations of a sound",
    "morph": "From one sound to another",
    "continue": "Go on from a sound",
    "loop": "Loops",
    AGAIN: "A sound through the model",
}
SOUNDS_NEEDED = {"like": 1, "continue": 1, "morph": 2, AGAIN: 1}
"""How many sounds a way begins with."""


@dataclass(frozen=True)
class Request:
    """New sounds that somebody asks for; None leaves it to the model."""

    way: str = "new"
    count: int = 8
    seed: int | None = None
    class_name: str | None = None
    temperature: float | None = None
    length_s: float | None = None
    amount: float | None = None
    sounds: tuple[Path, ...] = ()
    """Files to begin with."""

    def check(self, entry: Entry) -> None:
        """Raise GenerationError for what this model cannot do."""
        needed = SOUNDS_NEEDED.get(self.way, 0)
        if len(self.sounds) < needed:
            which = "a sound" if needed == 1 else "two sounds"
            raise GenerationError(f"{WAYS[self.way]}: choose {which} to begin with")
        if entry.prior is None and self.way != AGAIN:
            raise GenerationError(
                f"{plain(entry.name)} has no prior (yet), and can only do: {WAYS[AGAIN].lower()}"
            )

    def words(self, model: Path, folder: Path, seed: int) -> list[str]:
        """The words of the command that makes them."""
        files = [str(path) for path in self.sounds[: SOUNDS_NEEDED.get(self.way, 0)]]
        if self.way == AGAIN:
            return [
                "distill.reconstruct",
                f"--seed={seed}",
                f"--out={folder}",
                "--",
                str(model),
                *files,
            ]
        has_length = self.way in ("like", "morph")
        options = as_words(
            {
                "--count": self.count,
                "--seed": seed,
                "--class": self.class_name or None,
                "--temperature": self.temperature,
                "--length": None if has_length else self.length_s,
                "--amount": self.amount,
                "--out": folder,
                "--like": files[0] if self.way == "like" else None,
                "--continue": files[0] if self.way == "continue" else None,
            }
        )
        if self.way == "loop":
            options.append("--loop")
        if self.way == "morph":
            options += ["--morph", *files]
        return ["distill.generate", *options, "--", str(model)]


def start(places: Places, entry: Entry, request: Request) -> Path:
    """Begin to make the sounds, and return their new folder; raises GenerationError, RunError."""
    request.check(entry)
    calls = _calls(places)
    if sum(started.is_alive for started in calls.values()) >= MOST_AT_ONCE:
        raise GenerationError("new sounds are being made already; wait until they are there")
    model = places.library / entry.file
    seed = _free_seed(calls.values(), model) if request.seed is None else request.seed
    folder = new_run_dir(places.generated, entry.name)
    start_verb(request.words(model, folder, seed), log=folder / LOG, note=folder / NOTE)
    return folder


def _calls(places: Places) -> dict[Path, Started]:
    """The folders of new sounds, the newest first, and the processes that made them."""
    folders = [path for path in listed(places.generated)[::-1] if path.name[0] != "."]
    found = ((folder, read_started(folder / NOTE)) for folder in folders)
    return {folder: started for folder, started in found if started}


def _free_seed(calls: Iterable[Started], model: Path) -> int:
    """The first seed after those that this model was asked for."""
    words = [word for call in calls if str(model) in call.words for word in call.words]
    seeds = [int(found[1]) for word in words if (found := SEED.fullmatch(word))]
    return max(seeds, default=-1) + 1


def show(places: Places, seen: str) -> dict[str, Any] | None:
    """The newest sounds that were asked for, and those kept; None if the page has `seen` this."""
    calls = dict(islice(_calls(places).items(), MOST_SHOWN))
    kept = sum(1 for _ in sounds_in(places.kept))
    stamps: list[object] = [kept]
    for folder, started in calls.items():
        stamps += [folder.name, folder.stat().st_mtime_ns, started.is_alive]
    version = hashlib.sha1(repr(stamps).encode(), usedforsecurity=False).hexdigest()[:16]
    if version == seen:
        return None
    return {
        "version": version,
        "calls": [_call(places, folder, started) for folder, started in calls.items()],
        "kept": kept,
        "kept_folder": plain(str(places.kept)),
    }


def _call(places: Places, folder: Path, started: Started) -> dict[str, Any]:
    busy = started.is_alive
    sheet = folder / "generate.png"
    marks = kept_in(places, folder)
    pages = {Path(row["source"]).name: row for row in page_rows(places, folder)}
    rows = [pages.get(path.name) or sound_row(places, path) for path in sounds_in(folder)]
    for row in rows:
        row["kept"] = Path(row["source"]).name in marks
    done = not busy and bool(pages)
    return {
        "id": folder.name,
        "title": _title(folder, started.words),
        "busy": busy,
        "rows": rows,
        "sheet": address_of(places, sheet) if sheet.is_file() else None,
        "error": "" if busy or done else plain(last_words(folder / LOG)) or "it has ended",
    }


def _title(folder: Path, words: list[str]) -> str:
    """What was asked for, in words."""
    options = dict(word.partition("=")[::2] for word in words if word.startswith("--"))
    name = folder.name.split("_", 2)[-1]
    if words[:1] == ["distill.reconstruct"]:
        return plain(f"{name}: {Path(words[-1]).name} through the model")
    told = [counted(int(options.get("--count", "1")), "sound")]
    if "--morph" in words:
        first, second = (Path(word).name for word in words[words.index("--morph") + 1 :][:2])
        told.append(f"from {first} to {second}")
    for option, word in (("--like", "like"), ("--continue", "going on from")):
        if option in options:
            told.append(f"{word} {Path(options[option]).name}")
    if "--loop" in words:
        told.append("loops")
    for option in ("--class", "--temperature", "--length", "--amount", "--seed"):
        if option in options:
            told.append(f"{option[2:]} {options[option]}")
    return plain(f"{name}: {', '.join(told)}")
