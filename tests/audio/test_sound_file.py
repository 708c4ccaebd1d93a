"""sound files of every kind → chunks, or one line that says why not."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from torch import Tensor

from distill.audio.blocks import BLOCK_FRAMES
from distill.audio.sound_file import SoundFile
from distill.errors import SoundError
from tests.helpers.sounds import tone

TEXT_SUFFIXES = ("txt", "wav", "flac", "ogg", "aif", "mp3", "raw", "RAW", "au", "snd", "vox", "gsm")


def noise(channels: int, samples: int) -> Tensor:
    generator = torch.Generator().manual_seed(samples)
    return torch.rand(channels, samples, generator=generator) - 0.5


def unreadable(path: Path) -> str:
    """The one line with which a file is refused, on opening or on the way."""
    with pytest.raises(SoundError) as caught:
        list(SoundFile.open(path).blocks())
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert len(message.splitlines()) == 1
    return message


@pytest.mark.parametrize(
    ("name", "subtype", "channels"),
    [
        ("a.wav", "PCM_U8", 1),
        ("a.wav", "PCM_16", 2),
        ("a.wav", "FLOAT", 9),
        ("a.wav", "DOUBLE", 1),
        ("a.WAV", "PCM_24", 1),
        ("a.flac", "PCM_24", 8),
        ("a.ogg", "VORBIS", 2),
        ("a.mp3", "MPEG_LAYER_III", 2),
        ("a.aiff", "PCM_16", 3),
        ("a.caf", "ALAC_16", 2),
    ],
)
def test_samples_of_a_file_come_in_chunks(
    tmp_path: Path, name: str, subtype: str, channels: int
) -> None:
    path, samples = tmp_path / name, BLOCK_FRAMES + 1234
    soundfile.write(path, noise(channels, samples).T.numpy(), 44_100, subtype=subtype)
    sound, seconds = SoundFile.open(path), []
    assert (sound.sample_rate_hz, sound.channels, sound.samples) == (44_100, channels, samples)
    assert sound.duration_s == samples / 44_100
    chunks = list(sound.blocks(seconds.append))
    assert len(chunks) == 2
    assert all(chunk.dtype == torch.float32 and chunk.is_contiguous() for chunk in chunks)
    expected = soundfile.read(path, dtype="float32", always_2d=True)[0]
    tolerance = 1e-5 if path.suffix in (".ogg", ".mp3") else 0  # another decoder
    np.testing.assert_allclose(torch.cat(chunks, 1).T, expected, rtol=0, atol=tolerance)
    assert sum(seconds) == pytest.approx(sound.duration_s)
    assert torch.equal(torch.cat(list(sound.blocks()), 1), torch.cat(chunks, 1))


@pytest.mark.parametrize(
    "name",
    [b"a b.wav", "音 🥁.wav".encode(), b"line\nbreak.wav", b"caf\xe9.wav", b"-o.wav", b"wav"],
)
@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes")
def test_file_names_of_any_bytes(tmp_path: Path, name: bytes) -> None:
    path = tmp_path / os.fsdecode(name)
    soundfile.write(os.fsencode(path), tone(440), 16_000, format="WAV")
    assert SoundFile.open(path).samples == 8_000
    assert torch.cat(list(SoundFile.open(path).blocks()), 1).shape == (1, 8_000)


@pytest.mark.parametrize("suffix", TEXT_SUFFIXES)
def test_text_is_no_sound_whatever_its_suffix(tmp_path: Path, suffix: str) -> None:
    """libsndfile takes some suffixes for sound without a header: noise is what would be heard."""
    path = tmp_path / f"diary.{suffix}"
    path.write_text("Dear diary, nothing in here is a sound.\n" * 50)
    assert "not audio" in unreadable(path)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "aiff", "au"])
def test_file_without_a_sample_is_told(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    path.touch()
    assert unreadable(path)
    soundfile.write(path, np.zeros((0, 2)), 44_100)
    assert unreadable(path)
    soundfile.write(tmp_path / "header.wav", np.zeros((0, 2)), 44_100)
    assert "empty: a header without samples" in unreadable(tmp_path / "header.wav")


def test_file_that_breaks_off_is_read_as_far_as_it_goes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for suffix, read_s in (("flac", 1.39), ("wav", 1.49)):
        path = tmp_path / f"a.{suffix}"
        soundfile.write(path, noise(2, 2 * BLOCK_FRAMES).T.numpy(), 44_100)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        assert torch.cat(list(SoundFile.open(path).blocks()), 1).shape[1] > 60_000
        assert f"a.{suffix}: ends early: {read_s} s of 2.97 s" in caplog.text


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_file_that_is_not_finite_somewhere_is_told(tmp_path: Path, value: float) -> None:
    samples = np.zeros(2 * BLOCK_FRAMES)
    samples[-1] = value
    soundfile.write(tmp_path / "a.wav", samples, 44_100, subtype="FLOAT")
    assert "holds NaN or infinity" in unreadable(tmp_path / "a.wav")


@pytest.mark.parametrize("rate_hz", [1, 999, 1_000_001, 2**31 - 1])
def test_sample_rate_beyond_reason_is_told(tmp_path: Path, rate_hz: int) -> None:
    soundfile.write(tmp_path / "a.wav", tone(440), rate_hz)
    assert f"a sample rate of {rate_hz} Hz" in unreadable(tmp_path / "a.wav")


def test_missing_file_and_folder_are_told(tmp_path: Path) -> None:
    assert "unreadable: No such file" in unreadable(tmp_path / "no.wav")
    assert "unreadable: is a folder" in unreadable(tmp_path)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_file_without_permission_is_told(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(440), 16_000)
    (tmp_path / "a.wav").chmod(0)
    assert "unreadable: Permission denied" in unreadable(tmp_path / "a.wav")
