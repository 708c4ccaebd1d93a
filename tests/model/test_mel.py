"""waveform → mel: the dB of the project's mel error, there and back, however short the sound."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
import torch
import torchaudio

from distill.model.mel import PIECE_SAMPLES, LogMel, SpectrogramConfig

DEFAULT = SpectrogramConfig(
    sample_rate_hz=48_000,
    n_fft=2048,
    hop_length=512,
    n_mels=128,
    floor=1e-3,
    mean_db=-31.5,
    std_db=17.0,
)


@pytest.fixture
def sound() -> torch.Tensor:
    """Half a second of noise that falls into silence, (2, 1, T), so that some bins are on the
    floor.
    """
    samples = 24_000
    fade = torch.exp(-torch.linspace(0, 16, samples))
    noise = torch.rand(2, 1, samples, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return noise * fade


def test_decibels_are_those_of_the_mel_error(sound: torch.Tensor) -> None:
    reference = torchaudio.transforms.MelSpectrogram(
        48_000, n_fft=2048, hop_length=512, n_mels=128, power=1.0
    )
    expected = 20 * torch.log10(reference(sound).clamp(min=1e-3))
    mel = LogMel(DEFAULT)
    assert expected.min() == -60  # the sound does reach the floor
    assert expected.max() > 0
    torch.testing.assert_close(mel.decibels(mel.magnitude(sound)), expected, rtol=0, atol=1e-5)
    torch.testing.assert_close(mel.to_decibels(mel(sound)), expected, rtol=0, atol=1e-4)


def test_front_end_shifts_and_scales_the_decibels(sound: torch.Tensor) -> None:
    mel = LogMel(DEFAULT)
    expected = (mel.decibels(mel.magnitude(sound)) + 31.5) / 17.0
    torch.testing.assert_close(mel(sound), expected)
    assert mel(sound).shape == (2, 1, 128, 24_000 // 512 + 1)
    assert mel(sound).dtype == torch.float32


def test_normalise_and_back_gives_the_magnitude(sound: torch.Tensor) -> None:
    mel = LogMel(DEFAULT)
    magnitude = mel.magnitude(sound)
    above = magnitude > DEFAULT.floor * 1.001
    back = mel.to_magnitude(mel.normalise(magnitude))
    assert above.any()
    assert (~above).any()
    torch.testing.assert_close(back[above], magnitude[above], rtol=1e-4, atol=0)
    assert (back[magnitude < DEFAULT.floor] == 0).all()


def test_what_a_decoder_says_below_the_floor_counts_as_the_floor() -> None:
    mel = LogMel(DEFAULT)
    assert mel.to_decibels(torch.tensor([-1e4])).item() == pytest.approx(-60)
    assert mel.to_magnitude(torch.tensor([-1e4])).item() == 0


@pytest.mark.parametrize("floor", [1e-3, 1e-5, 0.5])
def test_silence_is_the_normalised_floor(floor: float) -> None:
    config = replace(DEFAULT, floor=floor)
    silence = LogMel(config)(torch.zeros(1, 1, 4096))
    torch.testing.assert_close(silence, torch.full_like(silence, config.floor_normalised))


@pytest.mark.parametrize("samples", [1, 2, 511, 1023, 1024, 1025, 2047, 2048])
def test_very_short_sounds_have_a_mel(samples: int) -> None:
    mel = LogMel(DEFAULT)
    given = mel(torch.full((3, 1, samples), 0.5))
    assert given.shape[:3] == (3, 1, 128)
    assert given.shape[3] >= samples // 512 + 1
    assert torch.isfinite(given).all()
    assert (given > DEFAULT.floor_normalised).any()  # the sound is in it


def test_sounding_frames_are_those_of_the_mel_error() -> None:
    lengths = torch.tensor([1, 511, 512, 513, 1024, 24_000, 48_000])
    given = LogMel(DEFAULT).sounding_frames(torch.zeros_like(lengths), lengths, frames=94)
    expected = torch.arange(94) <= lengths[:, None] // 512 + 2
    assert given.dtype == torch.bool
    assert torch.equal(given, expected)


@pytest.mark.parametrize(
    ("n_fft", "hop_length"), [(2048, 512), (512, 128), (1000, 300), (512, 512), (300, 200)]
)
def test_every_frame_that_hears_the_sound_counts_and_no_other(n_fft: int, hop_length: int) -> None:
    spectrogram = torchaudio.transforms.Spectrogram(n_fft=n_fft, hop_length=hop_length, power=1.0)
    total = 12 * n_fft
    log_mel = LogMel(replace(DEFAULT, n_fft=n_fft, hop_length=hop_length, n_mels=16))
    lengths = (1, hop_length - 1, hop_length, n_fft, n_fft + 37, 3 * n_fft + hop_length // 2)
    leads = (0, 1, n_fft // 2, n_fft, 3 * n_fft + 7)
    for lead, length in itertools.product(leads, lengths):
        waveform = torch.zeros(total)
        waveform[lead : lead + length] = 1
        heard = spectrogram(waveform).amax(dim=0) > 0
        begin, end = torch.tensor([lead]), torch.tensor([lead + length])
        given = log_mel.sounding_frames(begin, end, frames=len(heard))[0]
        assert not (heard & ~given).any(), (lead, length)
        # a frame that only touches the sound's last sample with the window's zero may count too
        assert (given & ~heard).sum() <= 1, (lead, length)


@pytest.mark.parametrize("samples", [100, 800, 48_000])
def test_a_segment_without_sound_has_no_sounding_frames(samples: int) -> None:
    begin, end = torch.tensor([samples]), torch.tensor([0])
    log_mel = LogMel(DEFAULT)
    assert not log_mel.sounding_frames(begin, end, frames=log_mel.frames(samples)).any()


@pytest.mark.parametrize("sounds", [1, 7])
def test_a_batch_has_the_mel_of_each_of_its_sounds(sounds: int) -> None:
    longest = PIECE_SAMPLES // 3  # more than one piece
    batch = torch.rand(sounds, 1, longest, generator=torch.Generator().manual_seed(0)) * 2 - 1
    mel = LogMel(DEFAULT)
    alone = torch.stack([mel.magnitude(sound[None])[0] for sound in batch])
    torch.testing.assert_close(mel.magnitude(batch), alone, rtol=0, atol=0)
