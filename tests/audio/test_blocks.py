"""a sound in blocks is the sound as a whole, in every format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from distill.audio.blocks import BLOCK_FRAMES
from distill.audio.reader import SoundReader
from tests.helpers.sounds import tone


@pytest.mark.parametrize("form", ["wav", "flac", "ogg", "mp3"])
def test_blocks_are_what_one_read_gives(tmp_path: Path, form: str) -> None:
    rate_hz, path = 44_100, tmp_path / f"long.{form}"
    soundfile.write(path, tone(220, 2.5 * BLOCK_FRAMES / rate_hz, rate_hz), rate_hz)
    whole = soundfile.read(path, dtype="float32", always_2d=True)[0]
    with SoundReader(path) as reader:
        blocks = list(reader.blocks())
    assert len(blocks) > 2
    np.testing.assert_allclose(np.concatenate(blocks), whole, rtol=0, atol=1e-5)
