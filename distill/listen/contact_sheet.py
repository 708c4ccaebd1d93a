"""mels of many sounds, with a caption each → one picture of them all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from distill.listen.picture import colour_range, palette, pixels
from distill.system.atomic import whole_file
from distill.system.terminal import plain

WIDEST, LONGEST_FRAMES = 1400, 400
"""Of the picture in pixels, and of a mel in frames: of a longer one, several are one column."""
GAP, CAPTION, TEXT_SIZE = 8, 18, 12
DARK, PALE = 0, 255
"""Numbers of colours: silence, and the brightest."""


@dataclass(frozen=True)
class Tile:
    """A mel in dB (M, F) and what stands above it."""

    caption: str
    mel: Tensor


def write_contact_sheet(path: Path, tiles: Sequence[Tile], *, floor: float) -> None:
    """Write the picture as PNG, in rows from the left; all mels have the same scale of time and the
    same colours, low notes below. `floor` is the magnitude that is silence. Raises OSError.
    """
    from PIL import Image, ImageDraw, ImageFont

    longest = max(tile.mel.shape[-1] for tile in tiles)
    step = max(1, math.ceil(longest / LONGEST_FRAMES))
    low_db, high_db = colour_range([tile.mel for tile in tiles], floor)
    mels = [pixels(_thin(tile.mel, step), low_db, high_db) for tile in tiles]
    font = ImageFont.load_default(size=TEXT_SIZE)
    captions = [_shown(tile.caption) for tile in tiles]
    width = max(*(mel.shape[1] for mel in mels), *(int(font.getlength(c)) + 4 for c in captions), 1)
    height = max(mel.shape[0] for mel in mels) + CAPTION
    columns = max(1, min(len(tiles), (WIDEST - GAP) // (width + GAP)))
    rows = -(-len(tiles) // columns)
    size = (GAP + columns * (width + GAP), GAP + rows * (height + GAP))
    picture = Image.new("P", size, DARK)
    picture.putpalette(palette())
    draw = ImageDraw.Draw(picture)
    draw.fontmode = "1"
    for number, (mel, caption) in enumerate(zip(mels, captions, strict=True)):
        row, column = divmod(number, columns)
        left, top = GAP + column * (width + GAP), GAP + row * (height + GAP)
        draw.text((left, top), caption, fill=PALE, font=font)
        picture.paste(Image.fromarray(mel), (left, top + CAPTION))
    with whole_file(path) as partial:
        picture.save(partial, format="PNG")


def _thin(mel: Tensor, step: int) -> Tensor:
    """Mel (M, F) → one column for so many frames, as loud as the loudest."""
    if step == 1:
        return mel
    missing = -mel.shape[1] % step
    padded = mel if not missing else _padded(mel, missing)
    thin: Tensor = padded.unflatten(1, (-1, step)).amax(dim=2)
    return thin


def _padded(mel: Tensor, missing: int) -> Tensor:
    import torch

    return torch.cat([mel, mel[:, -1:].expand(-1, missing)], dim=1)


def _shown(caption: str) -> str:
    text = plain(caption)
    return text if len(text) <= 40 else f"{text[:37]}..."
