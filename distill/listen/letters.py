"""words in a picture → stretches of them, each with a font that has its letters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from distill.system.terminal import plain


class Font(NamedTuple):
    """A font on this machine."""

    family: str
    file: str


class Stretch(NamedTuple):
    """Letters that one font has."""

    text: str
    font: Font


def spell(text: str) -> list[Stretch]:
    """The text in stretches; a letter that no font here has is written as its number, `\\u9f13`."""
    stretches = [Stretch("", _default())]
    for letter in plain(text):
        before = stretches[-1]
        font = before.font if ord(letter) in _letters(before.font.file) else _font_of(letter)
        if font is None:
            letter, font = letter.encode("ascii", "backslashreplace").decode(), _default()
        if font == before.font:
            stretches[-1] = Stretch(before.text + letter, font)
        else:
            stretches.append(Stretch(letter, font))
    return stretches


def figure_text(text: str) -> tuple[str, dict[str, Any]]:
    """The text for a figure of matplotlib, with how it is to be written: as it is, with `$`."""
    stretches = spell(text)
    families = list(dict.fromkeys(stretch.font.family for stretch in stretches))
    shown = "".join(stretch.text for stretch in stretches)
    return shown, {"fontfamily": families, "parse_math": False}


@cache
def _font_of(letter: str) -> Font | None:
    return next((font for font in _fonts() if ord(letter) in _letters(font.file)), None)


def _fonts() -> Iterator[Font]:
    """The default first, then what is installed, upright and of usual weight first."""
    yield _default()
    from matplotlib.font_manager import fontManager

    found = sorted(fontManager.ttflist, key=lambda each: (each.style, each.name, each.fname))
    found.sort(key=lambda each: (each.style != "normal", each.weight not in (400, "normal")))
    own = Path(_default().file).parent  # what else is there is for formulas, or shows boxes
    yield from (Font(f.name, f.fname) for f in found if Path(f.fname).parent != own)


@cache
def _default() -> Font:
    import matplotlib

    return Font("DejaVu Sans", str(Path(matplotlib.get_data_path(), "fonts/ttf/DejaVuSans.ttf")))


@cache
def _letters(file: str) -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    with suppress(OSError, RuntimeError):  # a font that is damaged, or not there any more
        return frozenset(FT2Font(file).get_charmap())
    return frozenset()
