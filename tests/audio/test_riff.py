"""What samplers and sequencers read of a loop in a WAV file."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
import soundfile
import torch
from mutagen.wave import WAVE

from distill.audio.riff import Loop
from distill.audio.writer import write_sound


def chunks(path: Path) -> dict[str, bytes]:
    """The content of each chunk, by its name; checks the sizes on the way."""
    data = path.read_bytes()
    assert data[:4] == b"RIFF"
    assert data[8:12] == b"WAVE"
    assert struct.unpack("<I", data[4:8])[0] == len(data) - 8
    found, place = {}, 12
    while place < len(data):
        name, size = data[place : place + 4].decode(), struct.unpack("<I", data[place + 4 :][:4])[0]
        found[name] = data[place + 8 : place + 8 + size]
        place += 8 + size + size % 2
    assert place == len(data)
    return found


def write(path: Path, loop: Loop | None, samples: int = 2_001) -> dict[str, bytes]:
    write_sound(
        path,
        [0.1 * torch.randn(1, samples)],
        sample_rate_hz=48_000,
        channels=1,
        samples=samples,
        model="kit",
        loop=loop,
    )
    return chunks(path)


def test_a_loop_has_its_points_tempo_and_beats(tmp_path: Path) -> None:
    path = tmp_path / "loop.wav"
    found = write(path, Loop(128.0, 8))
    sampler = struct.unpack("<15I", found["smpl"])
    assert sampler[2] == round(1e9 / 48_000)
    assert sampler[7] == 1
    assert sampler[11:13] == (0, 2_000)
    acid = struct.unpack("<IHHfIHHf", found["acid"])
    assert acid[0] & 1 == 0  # not a one-shot
    assert acid[4:] == (8, 4, 4, 128.0)
    assert soundfile.info(path).frames == 2_001
    assert "DISTILL_MODEL" in str(WAVE(path).tags)


def test_without_a_tempo_only_the_points_are_there(tmp_path: Path) -> None:
    assert "acid" not in write(tmp_path / "loop.wav", Loop())
    assert "smpl" in write(tmp_path / "loop.wav", Loop())


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_other_sounds_have_no_such_chunks(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"sound.{suffix}"
    write_sound(
        path,
        [torch.zeros(1, 900)],
        sample_rate_hz=48_000,
        channels=1,
        samples=900,
        model="kit",
        loop=Loop(90.0, 4) if suffix == "flac" else None,
    )
    assert soundfile.info(path).frames == 900
    assert suffix == "flac" or not {"smpl", "acid"} & set(chunks(path))
