"""text → a word of a command that a user can copy into a shell; a verb → how to type it."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable

COMMANDS = ("distill", "python -m distill")
"""What `distill.__main__` is begun with; the name of a process is one of them and its verb."""


def command_of(verb: str) -> str:
    """How to type a verb, in the form that this process was begun with: `distill train`, or
    `python -m distill.train`, which works wherever distill can be imported.
    """
    begun = sys.argv[0].rpartition(" ")[0] if sys.argv else ""
    return f"{begun} {verb}" if begun in COMMANDS else f"python -m distill.{verb}"


def shell_word(text: str) -> str:
    """The text, in quotes if it needs them. Bytes that the terminal cannot show are written as
    bash and zsh read them: `$'k\\xffck.wav'`.
    """
    if _can_be_shown(text):
        return shlex.quote(text)
    try:
        raw = os.fsencode(text)
    except UnicodeEncodeError:  # not a file's name here
        raw = text.encode("utf-8", errors="backslashreplace")
    return f"$'{''.join(map(_letter, raw))}'"


def shell_line(words: Iterable[str]) -> str:
    """The words as one command."""
    return " ".join(map(shell_word, words))


def _letter(byte: int) -> str:
    if not 32 <= byte < 127:
        return f"\\x{byte:02x}"
    return f"\\{byte:c}" if byte in b"'\\" else f"{byte:c}"


def _can_be_shown(text: str) -> bool:
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return text.isprintable()
