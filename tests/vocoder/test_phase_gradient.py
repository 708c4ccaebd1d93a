"""mel → waveform by a network and its phase steps: any length, repeatable, whole from parts."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile
import soxr
import torch

from distill.model.mel import LogMel, SpectrogramConfig
from distill.vocoder import phase_gradient
from distill.vocoder.griffin_lim import GriffinLim
from distill.vocoder.phase_gradient import PhaseGradient
from distill.vocoder.phase_network import PhaseNetwork, PhaseNetworkConfig
from distill.vocoder.starter import difference_from_starter
from distill.vocoder.vocoder import vocode
from tests.helpers.starters import DEFAULT, SIZES, starter


def front_end(config: SpectrogramConfig = DEFAULT) -> LogMel:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some mel filters are empty in some tests
        return LogMel(config)


def untrained(config: SpectrogramConfig) -> PhaseGradient:
    torch.manual_seed(0)
    sizes = PhaseNetworkConfig(config.n_mels, config.n_fft // 2 + 1, 8, 16, blocks=1)
    return PhaseGradient(front_end(config), PhaseNetwork(sizes))


def notes(samples: int) -> torch.Tensor:
    """Plucked notes, (1, 1, T)."""
    time_s = torch.arange(samples) / 48_000
    sound = torch.zeros(samples)
    for number, hz in enumerate((110.0, 164.8, 220.0, 329.6, 440.0)):
        begin = 0.15 * number
        after = (time_s - begin).clamp(min=0)
        overtones = torch.stack(
            [torch.sin(2 * torch.pi * hz * n * after) / n for n in range(1, 9)]
        ).sum(dim=0)
        sound += 0.2 * overtones * torch.exp(-6 * after) * (time_s >= begin)
    return sound[None, None]


def spectral_distance_db(one: torch.Tensor, other: torch.Tensor) -> float:
    """With a short window, so that smeared attacks count."""
    mels = [
        20 * torch.stft(each, 512, 128, window=torch.hann_window(512), return_complex=True)
        .abs().clamp(min=1e-3).log10()
        for each in (one, other)
    ]  # fmt: skip
    return float((mels[0] - mels[1]).abs().mean())


@pytest.mark.slow
def test_starter_weights_sound_nearer_than_griffin_lim(demo: Path) -> None:
    spectrogram, errors = front_end(), torch.zeros(2)
    for file in sorted(demo.iterdir())[::6]:
        samples, rate_hz = soundfile.read(file, dtype="float32", always_2d=True)
        original = torch.from_numpy(soxr.resample(samples.mean(axis=1), rate_hz, 48_000))
        original = torch.nn.functional.pad(original, (0, 24_000))
        mel = spectrogram(original[None, None])
        for number, vocoder in enumerate((starter(), GriffinLim(spectrogram))):
            given = vocode(vocoder, mel, samples=len(original))[0]
            errors[number] += spectral_distance_db(given, original)
            level = given.square().mean().sqrt() / original.square().mean().sqrt()
            assert 0.7 < level < 1.3, file.name
    assert errors[0] < 0.97 * errors[1]


@pytest.mark.parametrize("samples", [1, 2, 511, 512, 1025, 1536, 8000, 48_000])
def test_exactly_the_samples_asked_for_however_few(samples: int) -> None:
    vocoder = untrained(DEFAULT)
    mel = front_end()(notes(samples).expand(2, 1, samples))
    given = vocode(vocoder, mel, samples=samples)
    assert given.shape == (2, samples)
    assert torch.isfinite(given).all()
    assert given.abs().max() <= 1
    assert torch.equal(given[0], given[1])  # equal channels stay equal


@pytest.mark.parametrize("frames", [100, 127, 128, 300])
def test_chunks_give_the_sound_of_the_whole(monkeypatch: pytest.MonkeyPatch, frames: int) -> None:
    monkeypatch.setattr(phase_gradient, "BLOCK", 64)
    vocoder = starter()
    mel = front_end()(notes(512 * frames))[..., :frames]
    whole = torch.cat(list(vocoder.stream([mel])), dim=-1)
    assert whole.shape == (1, 512 * frames - 1)
    for size in (1, 47, 128):
        assert torch.equal(torch.cat(list(vocoder.stream(mel.split(size, dim=-1))), dim=-1), whole)


@pytest.mark.parametrize("size", [1, 100])
def test_what_is_known_to_be_silent_is_silent(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """And what follows begins as it was: without that knowledge, a deep note may begin anywhere in
    its period, with a click.
    """
    monkeypatch.setattr(phase_gradient, "BLOCK", 64)
    time_s = torch.arange(48_000) / 48_000
    note = 0.8 * torch.sin(2 * torch.pi * 70 * time_s) * torch.exp(-4 * time_s)
    silent = 4096
    mel = front_end()(torch.nn.functional.pad(note, (silent, 8000))[None, None])
    vocoder, clicks = starter(), []
    for known in (0, silent):
        heard = [
            torch.cat(list(vocoder.stream(mel.split(size, dim=-1), seed=seed, silent=known)), -1)[0]
            for seed in range(4)
        ]
        assert all(bool(sound[:silent].any()) == (known == 0) for sound in heard)
        clicks.append(sum(float(sound[silent].abs()) for sound in heard))
    assert clicks[1] < 0.6 * clicks[0]


def test_where_blocks_are_joined_nothing_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    vocoder, sound = starter(), notes(150_000)
    mel = front_end()(sound)
    at_once = vocode(vocoder, mel, samples=150_000)[0]
    monkeypatch.setattr(phase_gradient, "BLOCK", 64)
    joined = vocode(vocoder, mel, samples=150_000)[0]
    errors = [spectral_distance_db(each, sound[0, 0]) for each in (at_once, joined)]
    assert errors[1] < 1.05 * errors[0]


def test_same_seed_same_sound_and_the_outside_randomness_is_left_alone() -> None:
    vocoder, mel = untrained(DEFAULT), front_end()(notes(8000))
    torch.manual_seed(5)
    expected_next = torch.rand(1)
    torch.manual_seed(5)
    one = vocode(vocoder, mel, samples=8000, seed=1)
    assert torch.equal(torch.rand(1), expected_next)
    assert torch.equal(vocode(vocoder, mel, samples=8000, seed=1), one)
    assert not torch.equal(vocode(vocoder, mel, samples=8000, seed=2), one)


def test_silence_stays_silent_and_no_sound_leaves_the_range() -> None:
    vocoder, spectrogram = starter(), front_end()
    silence = vocode(vocoder, spectrogram(torch.zeros(1, 1, 20_000)), samples=20_000)
    assert silence.abs().max() < 1e-6
    loud = vocode(vocoder, torch.full((1, 1, 128, 40), 10.0), samples=20_000)
    assert torch.isfinite(loud).all()
    assert loud.abs().max() <= 1
    assert list(vocoder.stream([])) == []


@pytest.mark.parametrize(
    ("rate_hz", "n_fft", "hop_length", "n_mels"),
    [
        (44_100, 2048, 512, 128),
        (48_000, 1024, 256, 80),
        (16_000, 512, 160, 64),
        (16_000, 512, 256, 32),
    ],
)
def test_any_front_end_can_be_inverted(
    rate_hz: int, n_fft: int, hop_length: int, n_mels: int
) -> None:
    config = replace(
        DEFAULT, sample_rate_hz=rate_hz, n_fft=n_fft, hop_length=hop_length, n_mels=n_mels
    )
    vocoder = untrained(config)
    for samples in (1, 3 * n_fft):
        given = vocode(vocoder, front_end(config)(notes(samples)), samples=samples)
        assert given.shape == (1, samples)
        assert torch.isfinite(given).all()
        assert (given.abs().max() > 0) == (samples > 1)  # the first sample is 0


def test_starter_weights_say_what_they_do_not_fit() -> None:
    assert difference_from_starter(SIZES, DEFAULT) is None
    narrow = difference_from_starter(replace(SIZES, channels=64), DEFAULT)
    assert narrow == "they are made for channels 256, this vocoder has 64"
    other = difference_from_starter(SIZES, replace(DEFAULT, sample_rate_hz=44_100))
    assert other == "they are made for sample_rate_hz 48000, this vocoder has 44100"
