"""what somebody wants to hear → `distill.generate` in a process of its own → rows of new sounds."""

from __future__ import annotations

import hashlib
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distill.catalog.entry import Entry
from distill.dashboard.kept import kept_in
from distill.dashboard.places import Places
from distill.dashboard.processes import as_words, last_words, read_started, start_verb
from distill.dashboard.sounds import address_of, page_rows, sound_row, sounds_in
from distill.errors import GenerationError, RunError
from distill.system.paths import listed
from distill.system.terminal import counted, plain

MOST_SOUNDS = 64
MOST_SHOWN = 12
NOTE, LOG = "process.json", "generate.log"
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
    seed = next_seed(places, entry.name) if request.seed is None else request.seed
    folder = _new_folder(places, entry.name)
    words = request.words(places.library / entry.file, folder, seed)
    start_verb(words, log=folder / LOG, note=folder / NOTE)
    return folder


def next_seed(places: Places, name: str) -> int:
    """A seed by which no sounds of this model lie in one of the folders."""
    stem = _safe(name)
    seeds = [
        int(found[1])
        for folder in listed(places.generated)
        if folder.name.endswith(f"_{stem}")
        for word in (read_started(folder / NOTE) or _Nothing).words
        if (found := re.fullmatch(r"--seed=(\d{1,18})", word))
    ]
    return max(seeds, default=-1) + 1


class _Nothing:
    words: tuple[str, ...] = ()


def show(places: Places, seen: str) -> dict[str, Any] | None:
    """The newest sounds that were asked for, and those kept; None if the page has `seen` this."""
    folders = [path for path in listed(places.generated) if path.is_dir() and path.name[0] != "."]
    folders = folders[::-1][:MOST_SHOWN]
    kept = sum(1 for _ in sounds_in(places.kept))
    stamps: list[object] = [kept]
    for folder in folders:
        started = read_started(folder / NOTE)
        stamps += [folder.name, folder.stat().st_mtime_ns, bool(started and started.is_alive)]
    version = hashlib.sha1(repr(stamps).encode(), usedforsecurity=False).hexdigest()[:16]
    if version == seen:
        return None
    return {
        "version": version,
        "calls": [_call(places, folder) for folder in folders],
        "kept": kept,
        "kept_folder": plain(str(places.kept)),
    }


def _call(places: Places, folder: Path) -> dict[str, Any]:
    started = read_started(folder / NOTE)
    busy = bool(started and started.is_alive)
    marks = kept_in(places, folder)
    pages = {Path(row["source"]).name: row for row in page_rows(places, folder)}
    rows = [pages.get(path.name) or sound_row(places, path) for path in sounds_in(folder)]
    for row in rows:
        row["kept"] = Path(row["source"]).name in marks
    done = not busy and bool(pages)
    return {
        "id": folder.name,
        "title": _title(folder, started.words if started else []),
        "busy": busy,
        "rows": rows,
        "sheet": address_of(places, sheet)
        if (sheet := folder / "generate.png").is_file()
        else None,
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


def _new_folder(places: Places, name: str) -> Path:
    wanted = f"{time.strftime('%Y-%m-%d_%H-%M-%S')}_{_safe(name)}"
    try:
        for attempt in range(1, 1000):
            folder = places.generated / (wanted if attempt == 1 else f"{wanted}_{attempt}")
            try:
                folder.mkdir(parents=True)
            except FileExistsError:
                continue
            return folder
    except OSError as error:
        raise RunError(f"{places.generated}: {error.strerror}") from error
    raise RunError(f"{places.generated}: no free name for {wanted}")


def _safe(name: str) -> str:
    return re.sub(r"[^\w+-]+", "-", name).strip("-_")[:60] or "model"
