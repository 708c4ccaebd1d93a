"""The mels of a pair, as one picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from distill.listen.picture import GAP_ROWS, MOST_COLUMNS, write_mels


def test_both_mels_have_the_same_colours_and_low_notes_below(tmp_path: Path) -> None:
    original = torch.full((8, 20), -60.0)
    original[0, 3] = 10.0
    original[7, 5] = -25.0
    write_mels(tmp_path / "a.png", original, original.clone(), floor=1e-3)
    picture = np.asarray(Image.open(tmp_path / "a.png"))
    assert picture.shape == (16 + GAP_ROWS, 20)
    above, below = picture[:8], picture[-8:]
    assert (above == below).all()
    assert above[7, 3] == 255
    assert above[0, 5] == 128
    assert above[4, 4] == 0


def test_an_attack_in_a_long_sound_stays_to_be_seen(tmp_path: Path) -> None:
    original = torch.full((8, 6_000), -60.0)
    original[4, 3_000] = 0.0
    write_mels(tmp_path / "a.png", original, original - 10, floor=1e-3)
    picture = np.asarray(Image.open(tmp_path / "a.png"))
    assert picture.shape[1] == MOST_COLUMNS
    assert picture[3, 600] == 255


def test_silence_is_dark(tmp_path: Path) -> None:
    silence = torch.full((8, 1), -60.0)
    write_mels(tmp_path / "a.png", silence, silence, floor=1e-3)
    assert not np.asarray(Image.open(tmp_path / "a.png")).any()
