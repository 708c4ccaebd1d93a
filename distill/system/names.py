"""names that people give → parts of file names that every system can hold, and keys to compare."""

from __future__ import annotations

import re
import unicodedata

RESERVED = re.compile(r"(con|prn|aux|nul|(com|lpt)[0-9¹²³])", re.IGNORECASE)
"""What Windows takes for a device, whatever the suffix."""


def name_key(name: str) -> str:
    """The same for all spellings of a name: `Kicks` and `kicks`, composed letters or not."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def file_part(name: str, *, gap: str, longest: int, signs: str = "_+-", empty: str) -> str:
    """A name → its letters and digits, of all scripts, and `signs`, with `gap` for each stretch of
    others; at most `longest` characters, and twice as many bytes. `empty` if nothing is left.
    """
    kept: list[str] = []
    for letter in unicodedata.normalize("NFC", name):
        is_mark = unicodedata.category(letter)[0] == "M" and kept and kept[-1].isprintable()
        kept.append(letter if letter.isalnum() or letter in signs or is_mark else "\0")
    part = re.sub("\0+", gap, "".join(kept)).strip(gap + "_")[:longest]
    cut = part.encode()[: 2 * longest].decode(errors="ignore")
    return cut or empty
