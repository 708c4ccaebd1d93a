"""paths of sounds → the class of each: the part of its path that tells the sounds apart."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath

from distill.system.names import name_key
from distill.system.terminal import plain

Folders = tuple[str, ...]
FORMAT = re.compile(
    r"((wave?|aiff?|flac|mp3|ogg|opus|m4a|(8|16|24|32)[ _-]?bits?|\d+([.,]\d+)?[ _-]?k?hz)[ _-]*)+"
)
"""A folder that is only named for the format of its files, such as `wav` or `24-bit 48kHz`."""
MOST_SHOWN = 24


def classes_of(paths: Iterable[str]) -> dict[str, str]:
    """Path of a sound → its class: the name of the folder that it lies in; where that is the same
    below each class, or only a format, of the one around it. Spellings that differ in case or in
    how letters are composed are one class, shown in the most frequent one, or else the first.
    """
    folder_of = {path: os.path.dirname(path) for path in sorted(paths)}
    sounds = Counter(folder_of.values())
    every = [PurePath(folder).parts for folder in sounds]
    shared = os.path.commonprefix(every)
    folders = [parts[len(shared) :] for parts in every]
    told = _without_repeated([_without_formats(parts) for parts in folders])
    if len(set(told)) < 2:  # nothing else tells them apart
        told = _without_repeated(folders)
    names = [unicodedata.normalize("NFC", (parts or shared or ("",))[-1]) for parts in told]
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    for name, count in zip(names, sounds.values(), strict=True):
        spellings[name_key(name)][name] += count
    best = {key: counts.most_common(1)[0][0] for key, counts in spellings.items()}
    classes = {f: best[name_key(name)] for f, name in zip(sounds, names, strict=True)}
    return {path: classes[folder] for path, folder in folder_of.items()}


def classes_in_words(counts: Mapping[str, int]) -> str:
    """`kicks 12, snares 9`, those with the most sounds first; empty if there is only one class."""
    if len(counts) < 2:
        return ""
    first = sorted(counts.items(), key=lambda pair: -pair[1])[:MOST_SHOWN]
    more = [f"and {len(counts) - MOST_SHOWN:,} more"] * (len(counts) > MOST_SHOWN)
    return ", ".join([*(f"{plain(name)} {count:,}" for name, count in first), *more])


def _without_formats(parts: Folders) -> Folders:
    while parts and FORMAT.fullmatch(name_key(parts[-1])):
        parts = parts[:-1]
    return parts


def _without_repeated(folders: Sequence[Folders]) -> list[Folders]:
    """The folders without their last parts, as long as these are the same below each that has any:
    `kicks/processed`, `snares/processed`.
    """
    told = list(folders)
    while True:
        below: dict[Folders, set[str]] = defaultdict(set)
        for parts in told:
            if len(parts) > 1:
                below[tuple(map(name_key, parts[:-1]))].add(name_key(parts[-1]))
        last = set().union(*below.values())
        if len(below) < 2 or len(last) > 1:
            return told
        told = [
            parts[:-1] if len(parts) > 1 and name_key(parts[-1]) in last else parts
            for parts in told
        ]
