"""Channels that cancel each other, or sound alone among many: the mix loses none of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from distill.audio.blocks import Piece, conform
from distill.audio.mono import MixChoice, channels_of
from distill.audio.reasons import Note
from distill.audio.sound_file import SoundFile
from distill.data.collection import Collection, Sound

RATE_HZ = 16_000
Scan = Callable[..., Collection]


def noise(seed: int = 0, duration_s: float = 2.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, round(duration_s * RATE_HZ))


def used(scan: Scan, folder: Path, channels: list[np.ndarray]) -> tuple[Sound, np.ndarray]:
    """What a scan makes of a file with these channels: the sound, and its samples in the cache."""
    folder.mkdir(exist_ok=True)
    soundfile.write(folder / "a.wav", np.stack(channels, axis=1), RATE_HZ, subtype="FLOAT")
    (sound,) = scan(folder).sounds
    return sound, np.fromfile(sound.waveform, "<f4")


def level_db(samples: np.ndarray) -> float:
    return float(10 * np.log10(np.square(samples).mean()))


@pytest.mark.parametrize("duration_s", [0.02, 0.1, 2.0])
def test_opposite_phase_is_used_from_one_channel(
    tmp_path: Path, scan_folder: Scan, duration_s: float
) -> None:
    sound = noise(duration_s=duration_s)
    found, samples = used(scan_folder, tmp_path / "in", [sound, -sound])
    np.testing.assert_allclose(samples, sound, atol=1e-6)
    ((note, detail),) = found.notes
    assert note is Note.MIXED
    assert detail == "channel 1 of 2 is used, because the channels cancel each other"


def test_opposite_phase_for_a_part_of_the_time(tmp_path: Path, scan_folder: Scan) -> None:
    sound = noise()
    other = np.where(np.arange(len(sound)) < len(sound) // 2, sound, -sound)
    found, samples = used(scan_folder, tmp_path / "in", [sound, other])
    np.testing.assert_allclose(samples, sound, atol=1e-6)
    assert len(found.notes) == 1


def test_opposite_phase_of_the_bass_only(tmp_path: Path, scan_folder: Scan) -> None:
    bass = 0.3 * np.sin(2 * np.pi * 50 * np.arange(2 * RATE_HZ) / RATE_HZ)
    found, samples = used(scan_folder, tmp_path / "in", [noise() + bass, noise() - bass])
    np.testing.assert_allclose(samples, noise() + bass, atol=1e-6)
    assert len(found.notes) == 1


@pytest.mark.parametrize("sounding", [0, 2, 7])
def test_one_sounding_channel_of_eight_keeps_its_level(
    tmp_path: Path, scan_folder: Scan, sounding: int
) -> None:
    channels = [np.zeros(2 * RATE_HZ) for _ in range(8)]
    channels[sounding] = noise()
    found, samples = used(scan_folder, tmp_path / "in", channels)
    np.testing.assert_allclose(samples, noise(), atol=1e-6)
    (note,) = found.notes
    assert note.text == f"channels not mixed as usual: only channel {sounding + 1} of 8 sounds"


def test_one_channel_of_two_keeps_its_level(tmp_path: Path, scan_folder: Scan) -> None:
    _, samples = used(scan_folder, tmp_path / "in", [noise(), np.zeros(2 * RATE_HZ)])
    np.testing.assert_allclose(samples, noise(), atol=1e-6)


def test_channels_that_sound_in_turn_are_added(tmp_path: Path, scan_folder: Scan) -> None:
    channels = [np.zeros(6 * RATE_HZ) for _ in range(6)]
    for number, channel in enumerate(channels):
        channel[number * RATE_HZ : (number + 1) * RATE_HZ] = noise(number, 1.0)
    found, samples = used(scan_folder, tmp_path / "in", channels)
    np.testing.assert_allclose(samples, sum(channels), atol=1e-6)
    assert "in turn" in found.notes[0].detail


@pytest.mark.parametrize(
    "channels",
    [
        [noise(), noise()],
        [noise(), 0.3 * noise()],
        [noise(), noise(1)],
        [noise(), np.roll(noise(), 400)],
        [noise(n) for n in range(6)],
    ],
    ids=["both the same", "to one side", "wide", "delayed", "six"],
)
def test_the_mean_is_used_where_it_will_do(
    tmp_path: Path, scan_folder: Scan, channels: list[np.ndarray]
) -> None:
    found, samples = used(scan_folder, tmp_path / "in", channels)
    np.testing.assert_allclose(samples, np.mean(channels, axis=0), atol=1e-6)
    assert found.notes == ()


WIDE = noise(2), -noise(2)
EIGHT = [noise() * (number == 3) for number in range(8)]


@pytest.mark.parametrize(
    "channels",
    [
        [0.3 * noise() + 3 * side for side in WIDE],
        EIGHT,
        [noise(), -noise()],
        [noise(), noise(1)],
    ],
    ids=["wide", "one of eight", "opposite", "usual"],
)
def test_a_sound_to_begin_with_is_mixed_as_one_to_learn_from(
    tmp_path: Path,
    scan_folder: Scan,
    channels: list[np.ndarray],
    caplog: pytest.LogCaptureFixture,
) -> None:
    found, samples = used(scan_folder, tmp_path / "in", channels)
    np.testing.assert_array_equal(SoundFile.open(tmp_path / "in" / "a.wav").mono(), samples)
    assert [record.getMessage().split(": ", 1)[1] for record in caplog.records] == [
        note.text for note in found.notes
    ]


def test_channels_that_begin_on_the_way_are_mixed_the_same_way() -> None:
    pieces = [Piece(noise()[:, None].astype(np.float32), RATE_HZ)]
    pieces.append(Piece(np.stack(WIDE, axis=1).astype(np.float32), RATE_HZ))
    _, later = conform(pieces, rate_hz=RATE_HZ, channels=1)
    assert level_db(later) == pytest.approx(level_db(noise(2)), abs=0.1)


def test_real_silence_is_silent(tmp_path: Path) -> None:
    choice = MixChoice(2)
    choice.add(channels_of(np.zeros((5_000, 2), np.float32)))
    assert choice.best().detail == ""


def test_no_mix_is_much_softer_than_the_loudest_channel() -> None:
    """Whatever the channels are: random delays, signs, gains and pauses."""
    random = np.random.default_rng(0)
    for _ in range(60):
        count = int(random.integers(2, 9))
        base = noise(int(random.integers(3)))
        channels = np.stack(
            [
                random.choice((-1, 0, 1))
                * 10 ** random.uniform(-1, 0)
                * np.roll(base, int(random.choice((0, 0, 5, 300))))
                * (np.arange(len(base)) < random.choice((len(base), len(base) // 2)))
                for _ in range(count)
            ]
        ).astype(np.float32)
        if not np.any(channels):
            continue
        choice = MixChoice(count)
        choice.add(channels)
        mixed = choice.best().of(channels)
        loudest = max(level_db(channel) for channel in channels if np.any(channel))
        assert level_db(mixed) > loudest - 13
