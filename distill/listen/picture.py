"""the mels of a pair of sounds, in dB → a small picture of both, in the same colours."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from distill.system.atomic import whole_file

COLOURS = "magma"
"""The name that matplotlib has for the colours of all mel pictures: dark is quiet."""
MOST_COLUMNS = 1200
GAP_ROWS = 2


def colour_range(originals: Sequence[Tensor], floor: float) -> tuple[float, float]:
    """Mels in dB, and the magnitude that is silence → the levels in dB of the darkest and the
    brightest colour. Reconstructions are painted with those of their originals.
    """
    floor_db = 20 * float(np.log10(floor))
    loudest_db = max(float(mel.max()) for mel in originals)
    return floor_db, max(loudest_db, floor_db + 1)


def write_mels(path: Path, original: Tensor, *results: Tensor, floor: float) -> None:
    """Write the mels in dB (M, F) as a PNG file, the original above, one pixel a bin; of long
    sounds, several frames are one column, as loud as the loudest of them. Raises OSError.
    """
    from PIL import Image

    low_db, high_db = colour_range([original], floor)
    gap = np.zeros((GAP_ROWS, min(original.shape[-1], MOST_COLUMNS)), np.uint8)
    parts = [pixels(original, low_db, high_db)]
    for result in results:
        parts += [gap, pixels(result, low_db, high_db)]
    picture = Image.fromarray(np.concatenate(parts))
    picture.putpalette(palette())
    with whole_file(path) as partial:
        picture.save(partial, format="PNG")


def pixels(mel: Tensor, low_db: float, high_db: float) -> NDArray[np.uint8]:
    """Mel in dB (M, F) → numbers of colours, high notes above."""
    columns = min(mel.shape[-1], MOST_COLUMNS)
    if columns < mel.shape[-1]:  # the loudest of several frames: an attack stays to be seen
        mel = torch.nn.functional.adaptive_max_pool1d(mel[None].float(), columns)[0]
    share = (mel.float() - low_db) / (high_db - low_db)
    numbers = (255 * share.clamp(0, 1)).round().to(torch.uint8)
    return np.ascontiguousarray(numbers.flip(0).cpu().numpy())


@cache
def palette() -> bytes:
    """256 colours, three bytes each."""
    import matplotlib

    colours = matplotlib.colormaps[COLOURS](np.arange(256))
    return bytes((255 * colours[:, :3]).round().astype(np.uint8).ravel())
