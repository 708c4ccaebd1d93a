"""names of known sounds, and a word → the numbers of those that it means. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import PurePath

from distill.system.names import name_key

OF_MODEL = "known:"
"""Before a number, counted from 1, or a name: a sound that the model knows, and no file."""
MOST_DIGITS = 9


def shown_number(number: int) -> str:
    """How the known sound of a number, counted from 0, is asked for."""
    return f"{OF_MODEL}{number + 1}"


def numbers_of(word: str, names: Sequence[str]) -> list[int]:
    """The same as `numbers_of_name`, and a number, counted from 1, is that sound."""
    if word.isdecimal() and len(word) <= MOST_DIGITS and 1 <= int(word) <= len(names):
        return [int(word) - 1]
    return numbers_of_name(word, names)


def numbers_of_name(word: str, names: Sequence[str]) -> list[int]:
    """Which names (`kicks/deep.wav`) a word means: by the whole name, else by that of the file,
    else by that without its ending; in any spelling, unless one is spelt just so.
    """
    ways: tuple[Callable[[str], str], ...] = (
        str,
        lambda name: name.removesuffix(PurePath(name).suffix),
        lambda name: PurePath(name).name,
        lambda name: PurePath(name).stem,
    )
    for way in ways:
        for spelt in (str, name_key):
            found = [n for n, name in enumerate(names) if name and spelt(way(name)) == spelt(word)]
            if found:
                return found
    return []
