"""chunks → a sound file of exactly the length asked for, tagged, or none at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile
import torch
from mutagen.flac import FLAC
from mutagen.mp3 import MP3
from mutagen.oggvorbis import OggVorbis
from mutagen.wave import WAVE
from torch import Tensor

from distill.audio import writer
from distill.audio.writer import check_format, write_sound
from distill.codec import AUDIO_FORMATS
from distill.errors import SoundError, WriteError

MODEL = "Tiny – 🥁 (0123456789abcdef)"


def noise(channels: int, samples: int) -> Tensor:
    generator = torch.Generator().manual_seed(samples)
    return torch.rand(channels, samples, generator=generator) - 0.5


def write(path: Path, sound: Tensor, *, samples: int | None = None, **more: Any) -> Path:
    """By `write_sound`, in chunks."""
    settings = {"sample_rate_hz": 44_100, "model": MODEL, **more}
    samples = sound.shape[1] if samples is None else samples
    write_sound(path, sound.split(777, 1), channels=len(sound), samples=samples, **settings)
    return path


def read(path: Path) -> tuple[Tensor, int]:
    """By libsndfile alone: (C, T) and the sample rate."""
    data, rate_hz = soundfile.read(os.fsencode(path), dtype="float32", always_2d=True)
    return torch.from_numpy(data.T), rate_hz


def tags_of(path: Path) -> str:
    """What mutagen reads as DISTILL_MODEL."""
    if path.suffix in (".flac", ".ogg"):
        comments = FLAC(path) if path.suffix == ".flac" else OggVorbis(path)
        (value,) = comments["DISTILL_MODEL"]
    else:
        tags = WAVE(path).tags if path.suffix == ".wav" else MP3(path).tags
        (value,) = tags["TXXX:DISTILL_MODEL"].text
    return str(value)


def refusal(work: Callable[[], object]) -> str:
    """The one line of what a user can mend."""
    with pytest.raises((SoundError, WriteError)) as caught:
        work()
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    return message


@pytest.mark.parametrize("suffix", AUDIO_FORMATS)
@pytest.mark.parametrize("samples", [1, 1_152, 2_345])
def test_exactly_the_samples_asked_for_and_the_tag(
    tmp_path: Path, suffix: str, samples: int
) -> None:
    for given in (samples, samples + 1000, max(0, samples - 1000)):
        for channels, rate_hz in ((1, 8_000), (2, 48_000)):
            sound, path = noise(channels, given), tmp_path / f"a.{suffix}"
            write(path, sound, samples=samples, sample_rate_hz=rate_hz)
            written, told_hz = read(path)
            assert (written.shape, told_hz) == ((channels, samples), rate_hz)
            assert tags_of(path) == MODEL
            if suffix in ("wav", "flac"):
                expected = torch.nn.functional.pad(sound, (0, 1000))[:, :samples]
                torch.testing.assert_close(written, expected, atol=1e-6, rtol=0)
    assert os.listdir(tmp_path) == [f"a.{suffix}"]


@pytest.mark.parametrize(
    ("suffix", "channels", "rate_hz"),
    [
        ("wav", 9, 44_101),
        ("wav", 1, 1_000),
        ("wav", 2, 1_000_000),
        ("flac", 8, 44_101),
        ("flac", 1, 655_350),
        ("ogg", 9, 44_101),
        ("ogg", 1, 200_000),
        ("mp3", 2, 11_025),
        ("WAV", 1, 16_000),
    ],
)
def test_odd_rates_and_many_channels_where_the_format_holds_them(
    tmp_path: Path, suffix: str, channels: int, rate_hz: int
) -> None:
    path = write(tmp_path / f"a.{suffix}", noise(channels, 1_001), sample_rate_hz=rate_hz)
    written, told_hz = read(path)
    assert (written.shape, told_hz) == ((channels, 1_001), rate_hz)


@pytest.mark.parametrize("rate_hz", [65_537, 96_001])
def test_flac_at_an_odd_high_rate_is_written_or_refused_with_a_way_out(
    tmp_path: Path, rate_hz: int
) -> None:
    path, told = tmp_path / "a.flac", ""
    try:
        write(path, noise(1, 100), sample_rate_hz=rate_hz)
        assert read(path)[1] == rate_hz
    except SoundError as error:
        told = str(error)
    assert not told or "--format wav" in told


@pytest.mark.parametrize(
    ("suffix", "channels", "rate_hz"),
    [
        ("mp3", 3, 44_100),
        ("mp3", 1, 96_000),
        ("mp3", 1, 44_101),
        ("flac", 9, 44_100),
        ("flac", 1, 1_000_000),
        ("ogg", 256, 44_100),
        ("ogg", 1, 384_000),
        ("ogg", 1, 4_000),
        ("aiff", 1, 44_100),
    ],
)
def test_what_a_format_cannot_hold_is_refused_with_a_way_out(
    tmp_path: Path, suffix: str, channels: int, rate_hz: int
) -> None:
    def chunks() -> Iterator[Tensor]:
        raise AssertionError("work was done in vain")
        yield

    path = tmp_path / f"a.{suffix}"
    sound = {"sample_rate_hz": rate_hz, "channels": channels}
    told = refusal(lambda: write_sound(path, chunks(), samples=9, model="", **sound))
    assert (
        f"{suffix} cannot hold {channels} channel{'s' * (channels > 1)} at {rate_hz:,} Hz" in told
    )
    assert "--format wav" in told
    assert refusal(lambda: check_format(path, **sound)) == told
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("suffix", AUDIO_FORMATS)
@pytest.mark.parametrize(
    ("model", "tag"),
    [("a\nb\0c\x1b[31m\u2028d", "a b c [31m d"), ("\ud800x", " x"), ("x" * 999, "x" * 999)],
    ids=["control", "surrogate", "long"],
)
def test_a_model_of_any_name_is_told_in_one_line(
    tmp_path: Path, suffix: str, model: str, tag: str
) -> None:
    assert tags_of(write(tmp_path / f"a.{suffix}", noise(1, 100), model=model)) == tag


def test_wav_names_the_model_in_its_info_chunk_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.wav", noise(1, 1_001))
    with soundfile.SoundFile(path) as file:
        assert file.comment == f"DISTILL_MODEL={MODEL}"
    assert b"LIST" in (data := path.read_bytes())
    assert b"INFO" in data
    # beyond 4 GiB the same in another container
    monkeypatch.setattr(writer, "LARGEST_WAV", 100)
    with soundfile.SoundFile(write(path, noise(2, 1_001))) as file:
        assert (file.format, file.frames) == ("RF64", 1_001)
        assert file.comment == f"DISTILL_MODEL={MODEL}"


@pytest.mark.parametrize("suffix", AUDIO_FORMATS)
@pytest.mark.parametrize("error", [SoundError, KeyboardInterrupt, SystemExit])
def test_failure_midway_keeps_the_old_file_and_leaves_nothing_else(
    tmp_path: Path, suffix: str, error: type[BaseException]
) -> None:
    def chunks() -> Iterator[Tensor]:
        yield noise(1, 5_000)
        raise error("midway")

    path = tmp_path / f"a.{suffix}"
    path.write_bytes(b"old")
    with pytest.raises(error, match="midway"):
        write_sound(path, chunks(), sample_rate_hz=44_100, channels=1, samples=9_000, model="")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("suffix", AUDIO_FORMATS)
@pytest.mark.parametrize("missing", [1.0, 0.5, 100])
def test_full_disk_is_told_and_keeps_the_old_file(
    tmp_path: Path, suffix: str, missing: float
) -> None:
    """While the sound is written, and while the tag is."""
    resource = pytest.importorskip("resource")
    path = tmp_path / f"a.{suffix}"
    size = write(path, noise(2, 20_000), model="x" * 200).stat().st_size
    size -= int(missing * size) if missing <= 1 else int(missing)
    path.write_bytes(b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))  # as good as a disk of that size
    try:
        told = refusal(lambda: write(path, noise(2, 20_000), model="x" * 200))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert told == f"{path}: cannot be written: File too large"
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == [path.name]


def test_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    told = refusal(lambda: write(tmp_path / "no" / "a.wav", noise(1, 10)))
    assert "cannot be written: No such file or directory" in told
