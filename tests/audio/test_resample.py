"""a waveform in chunks at one rate → the same at another, as long as it should be."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import floor

import numpy as np
import pytest
import soxr
import torch
from torch import Tensor

from distill.audio.chunks import resample_chunks
from distill.audio.resample import samples_at

RATES_HZ = (1_000, 8_000, 11_025, 16_000, 44_100, 44_101, 48_000, 96_000, 1_000_000)
LENGTHS = (1, 2, 3, 50, 1_000)


def noise(channels: int, samples: int) -> Tensor:
    generator = torch.Generator().manual_seed(samples)
    return torch.rand(channels, samples, generator=generator) - 0.5


def at_once(whole: Tensor, from_hz: int, to_hz: int) -> np.ndarray:
    """(C, T), by soxr alone."""
    return np.atleast_2d(soxr.resample(whole.numpy().T, from_hz, to_hz).T)


@pytest.mark.parametrize(("from_hz", "to_hz"), product(RATES_HZ, RATES_HZ))
def test_length_is_that_of_the_same_time_at_the_new_rate(from_hz: int, to_hz: int) -> None:
    for samples in LENGTHS:
        exact = Fraction(samples * to_hz, from_hz)
        expected = max(1, floor(exact + Fraction(1, 2)))
        assert samples_at(samples, from_hz, to_hz) == expected
        given = torch.cat(
            list(resample_chunks(noise(1, samples).split(17, 1), from_hz, to_hz)), dim=1
        )
        assert given.shape == (1, expected)
        assert given.dtype == torch.float32
        assert torch.isfinite(given).all()


@pytest.mark.parametrize("samples", [3_600 * 44_100 * 50, (1 << 47) - 1])
def test_lengths_of_any_size_are_exact(samples: int) -> None:
    """Floating point would be off by some."""
    for from_hz, to_hz in ((44_100, 48_000), (1_000_000, 999_999), (44_101, 16_000)):
        exact = Fraction(samples * to_hz, from_hz)
        assert abs(samples_at(samples, from_hz, to_hz) - exact) <= Fraction(1, 2)


@pytest.mark.parametrize("channels", range(1, 10))
@pytest.mark.parametrize(("from_hz", "to_hz"), [(44_100, 16_000), (8_000, 48_000)])
def test_chunks_give_what_the_whole_gives(channels: int, from_hz: int, to_hz: int) -> None:
    whole = noise(channels, 9_001)
    expected = at_once(whole, from_hz, to_hz)
    for size in (1, 777, 9_001) if channels == 2 else (777,):
        given = torch.cat(list(resample_chunks(whole.split(size, 1), from_hz, to_hz)), dim=1)
        assert given.shape == expected.shape
        np.testing.assert_allclose(given.numpy(), expected, rtol=0, atol=1e-5)


def test_channels_do_not_mix() -> None:
    whole = noise(3, 5_000)
    together = torch.cat(list(resample_chunks(whole.split(999, 1), 44_100, 16_000)), dim=1)
    for channel in range(3):
        alone = resample_chunks(whole[channel : channel + 1].split(999, 1), 44_100, 16_000)
        torch.testing.assert_close(
            torch.cat(list(alone), 1)[0], together[channel], atol=1e-6, rtol=0
        )


def test_pitch_stays_and_what_the_new_rate_cannot_hold_is_gone() -> None:
    time = torch.arange(44_100, dtype=torch.float64) / 44_100
    low, high = (torch.sin(2 * torch.pi * hz * time)[None].float() for hz in (1_000, 10_000))
    given = torch.cat(list(resample_chunks([low], 44_100, 16_000)), dim=1)
    assert int(torch.fft.rfft(given[0]).abs().argmax()) == 1_000
    gone = torch.cat(list(resample_chunks([high], 44_100, 16_000)), dim=1)
    assert gone[0, 1000:-1000].abs().max() < 1e-4


def test_chunks_at_the_right_rate_pass_untouched() -> None:
    chunks = list(noise(2, 100).split(33, 1))
    given = list(resample_chunks(iter(chunks), 48_000, 48_000))
    assert all(one is other for one, other in zip(given, chunks, strict=True))


@pytest.mark.parametrize("rate_hz", [16_000, 44_100])
def test_no_sound_stays_none(rate_hz: int) -> None:
    assert list(resample_chunks([], rate_hz, 16_000)) == []


def test_empty_chunks_change_nothing() -> None:
    for samples in (1, 2, 500):
        whole = noise(2, samples)
        none = whole[:, :0]
        chunks = [none, whole[:, :1], none, whole[:, 1:], none]
        for from_hz, to_hz in ((44_100, 16_000), (8_000, 48_000), (1_000_000, 16_000)):
            given = torch.cat(list(resample_chunks(chunks, from_hz, to_hz)), dim=1)
            expected = torch.cat(list(resample_chunks([whole], from_hz, to_hz)), dim=1)
            torch.testing.assert_close(given, expected, atol=1e-6, rtol=0)


def test_a_sample_too_short_to_last_is_kept_as_it_is() -> None:
    one = torch.tensor([[0.25], [-0.5]])
    assert torch.equal(torch.cat(list(resample_chunks([one], 1_000_000, 16_000)), dim=1), one)
