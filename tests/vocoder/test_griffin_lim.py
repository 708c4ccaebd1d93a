"""mel → waveform: any length, repeatable, the pitch it was given."""

from __future__ import annotations

import warnings

import pytest
import torch

from distill.model.mel import LogMel, SpectrogramConfig
from distill.vocoder import griffin_lim
from distill.vocoder.griffin_lim import GriffinLim
from distill.vocoder.vocoder import vocode


def spectrogram(
    n_fft: int = 512, hop_length: int = 128, n_mels: int = 64, rate_hz: int = 16_000
) -> LogMel:
    config = SpectrogramConfig(
        sample_rate_hz=rate_hz,
        n_fft=n_fft,
        hop_length=hop_length,
        n_mels=n_mels,
        floor=1e-3,
        mean_db=-30.0,
        std_db=15.0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some mel filters are empty in some tests
        return LogMel(config)


def tone(hz: float, samples: int = 8000, rate_hz: int = 16_000) -> torch.Tensor:
    """(1, 1, T)."""
    return 0.5 * torch.cos(2 * torch.pi * hz / rate_hz * torch.arange(samples))[None, None]


@pytest.mark.parametrize("hz", [250, 1000, 3000])
def test_pitch_and_level_come_back(hz: float) -> None:
    mel = spectrogram()
    given = vocode(GriffinLim(mel), mel(tone(hz)), samples=8000)
    spectrum = torch.fft.rfft(given[0]).abs()
    heard_hz = spectrum.argmax().item() * 16_000 / 8000
    width_hz = mel.config.sample_rate_hz / mel.config.n_fft
    assert abs(heard_hz - hz) < max(2 * width_hz, 0.05 * hz)
    level = given.square().mean().sqrt() / tone(hz).square().mean().sqrt()
    assert 0.7 < level < 1.4


@pytest.mark.parametrize("samples", [1, 2, 100, 127, 128, 255, 256, 257, 258, 512, 513, 1000, 8000])
def test_exactly_the_samples_asked_for_however_few(samples: int) -> None:
    mel = spectrogram()
    given = vocode(GriffinLim(mel), mel(tone(500, samples).expand(2, 1, samples)), samples=samples)
    assert given.shape == (2, samples)
    assert given.dtype == torch.float32
    assert torch.isfinite(given).all()
    assert given.abs().max() > (0.05 if samples > 2 else 0)  # of one sample, hardly a phase is left
    assert given.abs().max() <= 1


def test_same_seed_same_sound_and_the_outside_randomness_is_left_alone() -> None:
    mel = spectrogram()
    vocoder, given = GriffinLim(mel), mel(tone(440))
    torch.manual_seed(5)
    expected_next = torch.rand(1)
    torch.manual_seed(5)
    one = vocode(vocoder, given, samples=8000, seed=1)
    assert torch.equal(torch.rand(1), expected_next)
    assert torch.equal(vocode(vocoder, given, samples=8000, seed=1), one)
    assert not torch.equal(vocode(vocoder, given, samples=8000, seed=2), one)


def test_silence_stays_silent() -> None:
    mel = spectrogram()
    given = vocode(GriffinLim(mel), mel(torch.zeros(1, 1, 4000)), samples=4000)
    assert given.abs().max() < 1e-6


def test_a_mel_louder_than_any_sound_does_not_leave_the_range() -> None:
    mel = spectrogram()
    given = vocode(GriffinLim(mel), torch.full((1, 1, 64, 40), 10.0), samples=39 * 128)
    assert torch.isfinite(given).all()
    assert given.abs().max() <= 1


@pytest.mark.filterwarnings("ignore:At least one mel filterbank")
@pytest.mark.parametrize(
    ("n_fft", "hop_length", "n_mels", "rate_hz"),
    [
        (2048, 512, 128, 48_000),
        (1024, 256, 80, 48_000),
        (512, 128, 128, 16_000),
        (512, 256, 32, 16_000),
        (512, 128, 1, 16_000),
    ],
)
def test_any_front_end_can_be_inverted(
    n_fft: int, hop_length: int, n_mels: int, rate_hz: int
) -> None:
    """Also with mel filters so narrow that some are empty or alike."""
    mel = spectrogram(n_fft, hop_length, n_mels, rate_hz)
    vocoder = GriffinLim(mel)
    for samples in (1, 2 * n_fft):
        given = vocode(vocoder, mel(tone(1000, samples, rate_hz)), samples=samples)
        assert given.shape == (1, samples)
        assert torch.isfinite(given).all()
        assert given.abs().max() > 0


def test_half_precision_mel_is_taken() -> None:
    mel = spectrogram()
    given = vocode(GriffinLim(mel), mel(tone(440)).bfloat16(), samples=8000)
    assert given.dtype == torch.float32
    assert torch.isfinite(given).all()


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a short sound is joined from many."""
    monkeypatch.setattr(griffin_lim, "BLOCK", 48)


def noise(channels: int, samples: int) -> torch.Tensor:
    """(C, 1, T)."""
    generator = torch.Generator().manual_seed(samples)
    return 0.1 * torch.randn(channels, 1, samples, generator=generator)


def test_blocks_do_not_depend_on_the_chunks(small_blocks: None) -> None:
    mel = spectrogram()
    vocoder, given = GriffinLim(mel), mel(noise(1, 12_000))
    whole = vocode(vocoder, given, samples=12_000)
    for size in (1, 47, 48, 90):
        joined = torch.cat(list(vocoder.stream(given.split(size, dim=-1))), dim=-1)[:, :12_000]
        torch.testing.assert_close(joined, whole, atol=5e-3, rtol=0)  # rounding has some effect
    assert not torch.allclose(vocode(vocoder, given, samples=12_000, seed=1), whole, atol=0.1)


@pytest.mark.parametrize("frames", [3, 47, 48, 49, 50, 96, 97, 313])
def test_joined_blocks_are_as_long_as_the_sound(small_blocks: None, frames: int) -> None:
    mel = spectrogram()
    given = mel(noise(1, (frames - 1) * 128 + 300))[..., :frames]
    joined = torch.cat(list(GriffinLim(mel).stream([given])), dim=-1)
    assert joined.shape == (1, frames * 128 - 1)


def test_where_blocks_are_joined_nothing_is_louder_softer_or_elsewhere(small_blocks: None) -> None:
    """A sound that swells and fades is heard to do so at the same places."""
    mel, samples = spectrogram(), 40_000
    swell = 0.2 + 0.8 * torch.sin(torch.arange(samples) / 3_000).square()
    original = noise(1, samples) * swell
    joined = vocode(GriffinLim(mel), mel(original), samples=samples)
    loudness = [sound.reshape(-1, 500).square().mean(dim=1).sqrt() for sound in (original, joined)]
    ratio = loudness[1] / loudness[0]
    assert ratio.min() > 0.75
    assert ratio.max() < 1.2
    click = joined.diff().abs().max() / original.diff().abs().max()
    assert click < 1.5


def test_no_mel_no_sound() -> None:
    assert list(GriffinLim(spectrogram()).stream([])) == []
