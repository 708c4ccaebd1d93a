"""a word for a sound to begin with → the file, or the sound that the model knows, that it means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path, PurePath

from distill.bundle.loaded import LoadedModel
from distill.errors import DistillError
from distill.generation.known_names import OF_MODEL, numbers_of, numbers_of_name, shown_number
from distill.runs.folder import NEW_SOUNDS, RUNS
from distill.system.names import name_key
from distill.system.paths import exists, from_here, is_text, list_folder, path_of

MOST_NAMED = 6
KEPT = "kept"
NEW = (
    "generated",
    "generated/*",
    "generated/*/*",
    f"train/*/{NEW_SOUNDS}*",
    f"multirun/*/*/{NEW_SOUNDS}*",
)
"""Where new sounds lie, below the folder of outputs."""
KITS = "*/kit.json"
"""The lists of kits in this folder."""
WRITTEN = (".wav", ".flac")
"""How the names of new sounds end."""
HOW_NEAR = 0.5
"""The least likeness of a name that is offered instead of another, 0 to 1."""


@dataclass(frozen=True)
class Found:
    """A sound to begin with: a file, or a known sound."""

    name: str
    """Of the file, or of the known sound with its folder."""
    path: Path | None = None
    number: int | None = None
    """Of the known sound, counted from 0."""


def find_sound(word: str, model: LoadedModel) -> Found:
    """The file of this name; or else a sound that the model's prior knows, a kept one or a new one:
    by its whole name, or that of its file, with or without the ending, in small or large letters.
    `known:` and a number or a name is a known sound in any case.

    Raises DistillError if there is none, with the nearest names, or if several are meant.
    """
    known = [sound.name for sound in model.require_prior().config.sounds]
    numbers: Sequence[int]
    if word.startswith(OF_MODEL):
        numbers = numbers_of(word.removeprefix(OF_MODEL), known)
    elif exists(word):
        return Found(path_of(word).name, path=path_of(word))
    else:
        numbers = numbers_of_name(word, known)
    if len(numbers) == 1:
        return Found(known[numbers[0]], number=numbers[0])
    _refuse_several(word, [f"{known[each]} ({shown_number(each)})" for each in numbers])
    files = [] if word.startswith(OF_MODEL) else _files()
    for part in ([path for path in files if path.parent.name == KEPT], files):
        paths = [part[each] for each in numbers_of_name(word, [path.name for path in part])]
        _refuse_several(word, map(str, paths) if len(paths) > 1 else ())
        if paths:
            return Found(paths[0].name, path=paths[0])
    names = [*known, *dict.fromkeys(path.name for path in files)]
    raise DistillError(f"{word}: no such file{_not_known(word, names, model.metadata.name)}")


def _refuse_several(word: str, meant: Iterable[str]) -> None:
    """Raise DistillError if there is more than nothing that is meant."""
    if every := list(meant):
        more = f" and {len(every) - MOST_NAMED} more" if len(every) > MOST_NAMED else ""
        listed = ", ".join(every[:MOST_NAMED])
        raise DistillError(f"{word}: this can mean several sounds: {listed}{more}")


def _not_known(word: str, names: Sequence[str], model: str) -> str:
    """What else is said of a word that means nothing."""
    if not names:
        return f", and {model} knows no sounds by name"
    near = list(_nearest(word, names))
    told = f"; nearest: {', '.join(near)}" if near else ""
    return f", and no such sound that {model} knows, or that was made or kept{told}"


def _nearest(word: str, names: Sequence[str]) -> Iterator[str]:
    """The names most like a word, without their ending, and without folders if it has none."""
    wanted = PurePath(word.removeprefix(OF_MODEL))

    def key(path: PurePath) -> str:
        whole = path.as_posix() if len(wanted.parts) > 1 else path.name
        return name_key(whole.removesuffix(path.suffix))

    stems: dict[str, list[str]] = {}
    for name in names:
        stems.setdefault(key(PurePath(name)), []).append(name)
    close = get_close_matches(key(wanted), stems, n=3, cutoff=HOW_NEAR)
    return (stems[stem][0] for stem in close)


def _files() -> list[Path]:
    """Kept and new sounds, from here."""
    outputs = RUNS.parent
    made = (found for where in NEW for found in outputs.glob(where))
    kits = (found for kit in Path().glob(KITS) for found in list_folder(kit.parent))
    folders = [outputs / KEPT, Path(NEW[0]), *made, *(path for path in kits if path.is_dir())]
    files = (path for folder in folders for path in list_folder(folder))
    shown = (path for path in files if is_text(path.name) and path.name[0] != ".")
    sounds = (path for path in shown if path.suffix.lower() in WRITTEN and path.is_file())
    return [from_here(path) for path in sorted(sounds)]
