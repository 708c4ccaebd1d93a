"""Words in pictures: each letter that a font here has, the others as their numbers, no boxes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib.font_manager import fontManager

from distill.listen.contact_sheet import Tile, draw_contact_sheet
from distill.listen.letters import figure_text, spell
from distill.model.mel import LogMel
from distill.training.codec.pictures import draw_mel_pairs
from tests.helpers.tiny_bundle import SPECTROGRAM

ODD = "🥁"
"""No font that comes with distill has this letter; an emoji's font is not one of outlines."""


def make_font(path: Path, letters: str) -> None:
    """A font in which each of the letters is a triangle."""
    pen = TTGlyphPen(None)
    for point in ((0, 0), (300, 700), (600, 0)):
        (pen.lineTo if point[0] else pen.moveTo)(point)
    pen.closePath()
    names = [".notdef", "letter"]
    font = FontBuilder(1000)
    font.setupGlyphOrder(names)
    font.setupCharacterMap({ord(letter): "letter" for letter in letters})
    font.setupGlyf(dict.fromkeys(names, pen.glyph()))
    font.setupHorizontalMetrics(dict.fromkeys(names, (600, 0)))
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupNameTable({"familyName": "Triangles", "styleName": "Regular"})
    font.setupOS2()
    font.setupPost()
    font.save(path)


def sheet(caption: str) -> bytes:
    """The pixels of a picture with one tile."""
    return draw_contact_sheet([Tile(caption, torch.zeros(8, 90))], floor=1e-5).tobytes()


def test_letters_beyond_ascii_are_drawn() -> None:
    assert len({sheet(letter) for letter in "aßéБДτλطשñ…–"}) == 12
    assert sheet(ODD) == sheet(r"\U0001f941")


def test_a_font_that_is_here_is_used_for_letters_that_others_lack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_font(tmp_path / "triangles.ttf", "𒀀𒀁")
    monkeypatch.setattr(fontManager, "ttflist", [*fontManager.ttflist])
    fontManager.addfont(tmp_path / "triangles.ttf")
    stretches = spell("x 𒀀𒀁 y")
    assert [stretch.text for stretch in stretches] == ["x ", "𒀀𒀁", " y"]
    assert stretches[1].font.family == "Triangles"
    assert sheet("𒀀") != sheet(r"\U00012000")
    assert figure_text("x𒀀")[1]["fontfamily"] == ["DejaVu Sans", "Triangles"]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ["Барабан", "$x$", "$", ODD, r"$\frac$"])
def test_a_figure_shows_names_as_they_are(name: str) -> None:
    spectrogram = LogMel(SPECTROGRAM)
    mels = [torch.zeros(spectrogram.config.n_mels, 9)]
    pictures = [draw_mel_pairs(mels, mels, [each], spectrogram) for each in (name, "xx")]
    assert not np.array_equal(*pictures)
