"""text that a terminal's encoding lacks → letters that it has, so that printing never fails."""

from __future__ import annotations

import codecs
import io
from typing import TextIO

PLAINER = {
    **dict(zip("▁▂▃▄▅▆▇█", "_.-~=+*#", strict=True)),  # a curve in one line
    **{"×": "x", "…": ".", "–": "-", "→": "->", "≥": ">=", "≤": "<="},
}
HANDLER = "distill.plainer"


def escape_unknown(stream: TextIO) -> None:
    """Let a stream print text that its encoding lacks: in plainer letters, or escaped."""
    codecs.register_error(HANDLER, _replace)
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors=HANDLER)


def _replace(error: UnicodeError) -> tuple[str | bytes, int]:
    assert isinstance(error, UnicodeEncodeError)
    letter = error.object[error.start]
    if letter in PLAINER:
        return PLAINER[letter], error.start + 1
    one = UnicodeEncodeError(
        error.encoding, error.object, error.start, error.start + 1, error.reason
    )
    return codecs.backslashreplace_errors(one)
