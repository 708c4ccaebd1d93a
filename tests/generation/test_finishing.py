"""Drawn sounds as they are delivered: where they begin and end, and how they loop."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from distill.generation.finishing import (
    begin_at,
    beginning_of,
    cut_loop,
    fade_ends,
    trim_beginning,
    trim_end,
)

RATE_HZ = 16_000


def noise(samples: int = 9_000, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 0.2 * torch.randn(samples, generator=generator)


def test_a_loop_is_as_long_as_asked_and_fits_its_beginning() -> None:
    time_s = torch.arange(3 * RATE_HZ) / RATE_HZ
    waveform = 0.5 * torch.sin(2 * torch.pi * 101.3 * time_s) * (1 + 0.5 * torch.sin(7 * time_s))
    mel = torch.rand(8, 3 * RATE_HZ // 128 + 1)
    loop = cut_loop(waveform, mel, RATE_HZ, hop=128, rate_hz=RATE_HZ)
    assert loop.shape == (RATE_HZ,)
    inside = float((loop[1:] - loop[:-1]).abs().max())
    assert abs(float(loop[0] - loop[-1])) <= inside


def test_a_loop_of_a_hit_begins_with_the_hit_and_ends_in_silence() -> None:
    decay = torch.exp(-torch.arange(2 * RATE_HZ) / 800)
    waveform = torch.cat([torch.zeros(700), noise(2 * RATE_HZ) * decay])
    mel = torch.full((8, len(waveform) // 128 + 1), -60.0)
    loop = cut_loop(waveform, mel, RATE_HZ, hop=128, rate_hz=RATE_HZ)
    assert loop.shape == (RATE_HZ,)
    assert float(loop[:200].abs().max()) > 0.2
    assert float(loop[-2_000:].abs().max()) < 0.001


def test_silence_at_the_end_is_cut_off_unless_a_length_is_asked_for() -> None:
    waveform = torch.cat([noise(4_000), torch.zeros(6_000)])
    assert 4_000 < len(trim_end(waveform, RATE_HZ)) < 4_300
    assert len(trim_end(torch.zeros(4_000), RATE_HZ)) == 800


def late_ms(waveform: Tensor) -> float:
    """When a sound first reaches a tenth of its peak."""
    share = waveform.abs() / waveform.abs().max()
    return 1000 * int((share >= 0.1).to(torch.uint8).argmax()) / RATE_HZ


def ringing(ring_s: float, share: float, *, rise_s: float = 0.001) -> Tensor:
    """Silence, a ring that rises to a share of the peak, and a hit."""
    ring, rise = (round(seconds * RATE_HZ) for seconds in (ring_s, rise_s))
    level = torch.cat(
        [
            torch.zeros(500),
            torch.logspace(-2.5, 0, ring) * share,
            torch.linspace(share, 1, rise),
            torch.exp(-torch.arange(6_000) / 900),
        ]
    )
    return level * torch.sin(torch.arange(len(level)) * 1.1) * 0.8


@pytest.mark.parametrize(
    ("sound", "least_ms", "most_ms"),
    [
        (ringing(0.012, 0.09), 0.0, 1.0),
        (ringing(0.02, 0.09, rise_s=0.02), 0.0, 1.0),
        (ringing(0.3, 0.09), 100.0, 300.0),  # a roll before the hit is heard
        (ringing(0.2, 0.9), 50.0, 200.0),  # it rises slowly
    ],
    ids=["hit", "soft hit", "roll", "slow"],
)
def test_a_hit_begins_at_once_and_nothing_that_is_heard_is_cut(
    sound: Tensor, least_ms: float, most_ms: float
) -> None:
    trimmed = fade_ends(trim_beginning(sound, RATE_HZ), RATE_HZ)
    assert least_ms <= late_ms(trimmed) <= most_ms
    loop = cut_loop(sound, torch.zeros(8, 80), len(sound), hop=128, rate_hz=RATE_HZ)
    assert late_ms(loop) == late_ms(trimmed)


@pytest.mark.parametrize(("late", "moved"), [(100, 100), (0, 0), (2_000, 0)])
def test_a_variation_begins_where_its_original_does(late: int, moved: int) -> None:
    original = ringing(0.01, 0.09)
    place = beginning_of(original, RATE_HZ)
    variation = begin_at(torch.cat([torch.zeros(late), original]), place, RATE_HZ)
    assert beginning_of(variation, RATE_HZ) == place + late - moved
    assert len(variation) == late + len(original)


def test_finishing_trims_fades_and_leaves_the_rest() -> None:
    sound = torch.cat([torch.zeros(3_000), noise(6_000)])
    trimmed = trim_beginning(sound, RATE_HZ)
    assert 6_000 <= len(trimmed) < 6_100
    faded = fade_ends(trimmed, RATE_HZ)
    assert float(faded[0]) == 0 == float(faded[-1])
    assert torch.equal(faded[100:5_000], trimmed[100:5_000])
    assert len(fade_ends(torch.ones(3), RATE_HZ)) == 3
