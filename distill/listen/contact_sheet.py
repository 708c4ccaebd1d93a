"""mels of many sounds, with a caption each → one picture of them all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from distill.listen.letters import spell
from distill.listen.picture import colour_range, palette, pixels
from distill.system.terminal import plain

if TYPE_CHECKING:
    from PIL import Image

WIDEST, LONGEST_FRAMES = 1400, 400
"""Of the picture in pixels, and of a mel in frames: of a longer one, several are one column."""
GAP, CAPTION, TEXT_SIZE = 8, 18, 12
BACKGROUND, TEXT = (48, 48, 54), (235, 235, 235)


@dataclass(frozen=True)
class Tile:
    """A mel in dB (M, F) and what stands above it."""

    caption: str
    mel: Tensor


def draw_contact_sheet(tiles: Sequence[Tile], *, floor: float) -> Image.Image:
    """The picture, in rows from the left; all mels have the same scale of time and the same
    colours, low notes below. `floor` is the magnitude that is silence.
    """
    from PIL import Image, ImageDraw, ImageFont

    longest = max(tile.mel.shape[-1] for tile in tiles)
    step = max(1, math.ceil(longest / LONGEST_FRAMES))
    low_db, high_db = colour_range([tile.mel for tile in tiles], floor)
    mels = [pixels(_thin(tile.mel, step), low_db, high_db) for tile in tiles]
    font = cache(lambda file: ImageFont.truetype(file, TEXT_SIZE))
    captions = [
        [(part.text, font(part.font.file)) for part in spell(_shorten(tile.caption))]
        for tile in tiles
    ]
    widths = [
        max(mel.shape[1], int(sum(own.getlength(text) for text, own in caption)) + 2)
        for mel, caption in zip(mels, captions, strict=True)
    ]
    height = max(mel.shape[0] for mel in mels) + CAPTION
    places = _places(widths, height + GAP)
    right = max(left + width for (left, _), width in zip(places, widths, strict=True))
    picture = Image.new("RGB", (right + GAP, places[-1][1] + height + GAP), BACKGROUND)
    draw = ImageDraw.Draw(picture)
    for mel, caption, (left, top) in zip(mels, captions, places, strict=True):
        right = float(left)
        for text, own in caption:  # all on one line, whatever the font
            draw.text((right, top + TEXT_SIZE), text, fill=TEXT, font=own, anchor="ls")
            right += own.getlength(text)
        coloured = Image.fromarray(mel)
        coloured.putpalette(palette())
        picture.paste(coloured.convert("RGB"), (left, top + CAPTION))
    return picture


def _places(widths: Sequence[int], height: int) -> list[tuple[int, int]]:
    """Left and top of each tile, in rows."""
    places, left, top = [], GAP, GAP
    for width in widths:
        if left > GAP and left + width + GAP > WIDEST:
            left, top = GAP, top + height
        places.append((left, top))
        left += width + GAP
    return places


def _thin(mel: Tensor, step: int) -> Tensor:
    """Mel (M, F) → one column for each `step` frames, as loud as the loudest."""
    return torch.nn.functional.max_pool1d(mel[None], step, ceil_mode=True)[0]


def _shorten(caption: str) -> str:
    text = plain(caption)
    return text if len(text) <= 40 else f"{text[:37]}..."
