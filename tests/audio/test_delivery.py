"""How sounds are delivered: sample rate, bits and peak."""

from __future__ import annotations

import pytest
import torch

from distill.audio.delivery import AS_MADE, Delivery
from distill.errors import SoundError


def tone(rate_hz: int, seconds: float = 0.5, peak: float = 0.5) -> torch.Tensor:
    times = torch.arange(round(seconds * rate_hz)) / rate_hz
    return peak * torch.sin(2 * torch.pi * 440 * times)[None]


def test_as_it_is_made_nothing_changes() -> None:
    assert torch.equal(AS_MADE.apply(tone(16_000), 16_000), tone(16_000))
    assert AS_MADE.rate_of(16_000) == 16_000


def test_another_rate_keeps_length_and_level_and_does_not_clip() -> None:
    found = Delivery(44_100).apply(tone(16_000, peak=0.999), 16_000)
    assert found.shape == (1, 22_050)
    assert 0.95 < float(found.abs().max()) <= 0.9901
    middle = slice(2_000, 20_000)
    soft = Delivery(44_100).apply(tone(16_000), 16_000)
    assert float((soft - tone(44_100))[:, middle].abs().max()) < 0.005


def test_a_normalised_sound_has_its_peak_at_minus_one() -> None:
    found = Delivery(normalise=True).apply(tone(16_000, peak=0.01), 16_000)
    assert float(found.abs().max()) == pytest.approx(10 ** (-1 / 20))
    silence = torch.zeros(1, 100)
    assert torch.equal(Delivery(normalise=True).apply(silence, 16_000), silence)


@pytest.mark.parametrize("suffix", [".ogg", "mp3"])
def test_bits_are_refused_where_there_are_none(suffix: str) -> None:
    Delivery(bits=16).check_format(".WAV")
    with pytest.raises(SoundError, match=r"--bits 16: (ogg|mp3) has none; use --format wav"):
        Delivery(bits=16).check_format(suffix)
