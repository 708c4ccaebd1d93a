"""what was typed, pasted or dragged into the field → the folders of sounds that are meant."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from urllib.parse import unquote

from distill.errors import RunError
from distill.system.paths import exists, is_folder, path_of

ADDRESS = re.compile(r"file:(?://(?:localhost)?)?(/.*)", re.DOTALL)
"""How file managers hand over a path."""


def folders_of(typed: str) -> list[str]:
    """The folders, absolute: one whose name is what was typed, or else what it means in a shell or
    as an address, or several with commas between them. Raises RunError where there are none.
    """
    text = typed.strip()
    if not text:
        raise RunError("no folder is given")
    for names in _readings(text):
        paths = [_path(name) for name in names]
        if paths and all(map(is_folder, paths)):
            if odd := next((path for path in paths if "${" in path), None):
                raise RunError(
                    f"{odd}: ${{ has a meaning in settings; give the folder another name"
                )
            return list(dict.fromkeys(str(path_of(path).absolute()) for path in paths))
    names = next((names for names in _readings(text) if any(map(is_folder, names))), [text])
    wrong = next(name for name in names if not is_folder(_path(name)))
    what = "is a file; choose its folder" if exists(_path(wrong)) else "no such folder"
    raise RunError(f"{wrong}: {what}")


def _readings(text: str) -> Iterator[list[str]]:
    """The names that may be meant, the likeliest first."""
    yield [text]
    yield _cut(text, ",")
    yield _cut(text, ", ")
    yield [part.strip() for part in text.split(",") if part.strip()]


def _cut(text: str, between: str) -> list[str]:
    """The parts between these letters, with quotes and backslashes as in a shell."""
    lexer = shlex.shlex(text, posix=True)
    lexer.commenters, lexer.whitespace, lexer.whitespace_split = "", between, True
    try:
        return [part.strip() for part in lexer if part.strip()]
    except ValueError:  # a quote without a partner is a part of a name
        return []


def _path(name: str) -> str:
    """A name, or the path in an address."""
    found = None if is_folder(name) else ADDRESS.fullmatch(name)
    return unquote(found[1]) if found else name
