"""mel error in dB: its definition, whatever the chunks."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable

import pytest
import torch
from torch import Tensor
from torchaudio.transforms import MelSpectrogram

from distill.codec.mel_error import compare_mels
from distill.codec.stream import mels_of
from distill.model.mel import LogMel, SpectrogramConfig
from tests.helpers.tiny_bundle import SPECTROGRAM


@pytest.fixture(scope="module")
def spectrogram() -> LogMel:
    return LogMel(SPECTROGRAM)


def mels(channels: int, frames: int, seed: int = 0) -> Tensor:
    """Normalised; some of it far under the floor."""
    generator = torch.Generator().manual_seed(seed)
    return 2 * torch.randn(channels, 1, 32, frames, generator=generator)


def defined(one: Tensor, other: Tensor, config: SpectrogramConfig) -> float:
    """Mean absolute difference of the floored dB, in double precision."""
    lowest = 20 * math.log10(config.floor)
    levels = [
        (mel.double() * config.std_db + config.mean_db).clamp(min=lowest) for mel in (one, other)
    ]
    return (levels[0] - levels[1]).abs().mean().item()


def mel_errors(*streams: Iterable[Tensor], spectrogram: LogMel) -> list[float]:
    """Of each stream but the first, in dB."""
    return [figures.error_db for figures in compare_mels(*streams, spectrogram=spectrogram)]


def cut(whole: Tensor, seed: int) -> list[Tensor]:
    """Into random chunks."""
    draw = random.Random(seed)
    sizes, left = [], whole.shape[-1]
    while left:
        sizes.append(1 + draw.randrange(min(left, 9)))
        left -= sizes[-1]
    return list(whole.split(sizes, dim=-1))


@pytest.mark.parametrize("frames", [1, 2, 50])
@pytest.mark.parametrize("channels", [1, 3])
def test_it_is_the_mean_difference_in_decibels_above_the_floor(
    spectrogram: LogMel, channels: int, frames: int
) -> None:
    one, other, third = (mels(channels, frames, seed) for seed in range(3))
    given = mel_errors([one], [other], [third], [one], spectrogram=spectrogram)
    expected = [defined(one, mel, SPECTROGRAM) for mel in (other, third)]
    assert given == pytest.approx([*expected, 0.0], abs=1e-4)


def test_known_differences_are_told_in_decibels(spectrogram: LogMel) -> None:
    loud = torch.zeros(1, 1, 32, 10)  # -30 dB
    softer = loud - 6 / SPECTROGRAM.std_db
    silent, silence = (torch.full_like(loud, level) for level in (-20.0, -50.0))
    assert mel_errors([loud], [softer], spectrogram=spectrogram) == pytest.approx([6.0])
    assert mel_errors([loud], [silent], spectrogram=spectrogram) == pytest.approx([30.0])
    # under the floor, all silences are one
    assert mel_errors([silence], [silent], spectrogram=spectrogram) == [0.0]


def test_it_does_not_depend_on_the_chunks(spectrogram: LogMel) -> None:
    one, other = mels(2, 60, 0), mels(2, 60, 1)
    (expected,) = mel_errors([one], [other], spectrogram=spectrogram)
    for seed in range(20):
        given = mel_errors(
            cut(one, seed),
            cut(other, seed + 100),
            iter(cut(one, seed + 200)),
            spectrogram=spectrogram,
        )
        assert given == pytest.approx([expected, 0.0], abs=1e-4)


@pytest.mark.parametrize("difference", [-60, -59, -10, -1, 1, 10, 300])
@pytest.mark.parametrize("whole", [True, False])
def test_sounds_of_different_length_are_not_compared(
    spectrogram: LogMel, difference: int, whole: bool
) -> None:
    one, other = mels(1, 60), mels(1, 60 + difference)
    chunks = [other] if whole else other.split(7, dim=-1)
    with pytest.raises(ValueError, match="not equally long"):
        mel_errors(one.split(11, dim=-1), one.split(5, dim=-1), chunks, spectrogram=spectrogram)


def test_between_waveforms_it_is_the_metric_of_the_project() -> None:
    """48 kHz, magnitudes in 128 bins, dB above -60; the model's normalisation is no part of it."""
    config = SpectrogramConfig(48_000, 2048, 512, 128, floor=1e-3, mean_db=-21.0, std_db=9.0)
    spectrogram, plain = LogMel(config), MelSpectrogram(48_000, 2048, hop_length=512, power=1.0)
    generator = torch.Generator().manual_seed(0)
    one = torch.randn(1, 30_000, generator=generator) * torch.logspace(-1, -5, 30_000)
    other = one + 1e-3 * torch.randn(1, 30_000, generator=generator)
    decibels = [20 * plain(sound).double().clamp(min=1e-3).log10() for sound in (one, other)]
    (given,) = mel_errors(
        mels_of([one], spectrogram),
        mels_of(other.split(999, 1), spectrogram),
        spectrogram=spectrogram,
    )
    assert given > 1
    assert given == pytest.approx((decibels[0] - decibels[1]).abs().mean().item(), abs=1e-4)
