"""files and folders to work on → a list of jobs: each file, and where its result goes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from distill.audio.reasons import Reason, UnusableError
from distill.audio.walk import walk
from distill.codec import CODES_SUFFIX
from distill.errors import DistillError
from distill.system.paths import path_of
from distill.system.terminal import say_figures


@dataclass(frozen=True)
class Job:
    """One file to work on."""

    source: Path
    target: Path
    found: bool
    """Whether the file was found in a folder, so that it may not be a sound; else the user named
    the file itself.
    """


def plan(
    words: Sequence[str], out_folder: Path, *, result_suffix: str, source_suffix: str | None = None
) -> list[Job]:
    """The jobs for the files and folders that the user named. A target has the name of its source
    with another suffix, and lies in the same subfolder, below `out_folder`.

    With `source_suffix`, only files with this suffix are taken from folders. Raises DistillError
    for a file or folder that does not exist, or if there is no file to work on.
    """
    sources: dict[Path, tuple[Path, bool]] = {}
    for word in words:
        if not word:
            raise DistillError("an empty name was given for a file or folder")
        path = path_of(word)
        if path.is_dir():
            takes_sounds = source_suffix is None and result_suffix != CODES_SUFFIX
            if takes_sounds and os.path.realpath(path) == os.path.realpath(out_folder):
                raise DistillError(
                    f"{word}: the results would be among these files; choose another -o"
                )
            for file in _files_below(path):
                if file.suffix == source_suffix or (
                    source_suffix is None and file.suffix != CODES_SUFFIX
                ):
                    sources.setdefault(file, (file.relative_to(path), source_suffix is None))
        elif path.exists() or path.is_symlink():
            sources.setdefault(path, (Path(path.name), False))
        else:
            raise DistillError(f"{word}: no such file or folder")
    if not sources:
        raise DistillError(f"{' '.join(words)}: contains no {source_suffix or 'files'}")
    targets = _targets([relative for relative, _ in sources.values()], result_suffix, source_suffix)
    return [
        Job(source, out_folder / target, found)
        for (source, (_, found)), target in zip(sources.items(), targets, strict=True)
    ]


def _files_below(folder: Path) -> Iterator[Path]:
    """Every file below a folder, except those in folders that distill wrote; each of these folders
    gets a line.
    """
    for path, reason, detail in walk([folder]):
        if reason is Reason.UNREADABLE:
            raise DistillError(f"{path}: {detail}")
        if reason is None:
            yield path
        else:
            say_figures(f"left out: {UnusableError(path, reason, detail)}")


def _targets(sources: Sequence[Path], result_suffix: str, source_suffix: str | None) -> list[Path]:
    """Target of each source: `kick.wav` → `kick` and the new suffix, a second one `kick-2`."""
    stems = [s.name.removesuffix(source_suffix) if source_suffix else s.stem for s in sources]
    plain = [s.with_name(stem + result_suffix) for s, stem in zip(sources, stems, strict=True)]
    names, taken = set(plain), set[Path]()
    targets = []
    for source, stem, target in zip(sources, stems, plain, strict=True):
        if target in taken:
            numbered = (source.with_name(f"{stem}-{n}{result_suffix}") for n in count(2))
            target = next(name for name in numbered if name not in names)
            names.add(target)
        taken.add(target)
        targets.append(target)
    return targets
