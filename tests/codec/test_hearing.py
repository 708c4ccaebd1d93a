"""Figures of what a person would hear, against their definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from distill.codec.hearing import (
    EnergyMeter,
    OnsetMeter,
    first_sounding_frame,
    level_db,
    loudness_range,
    mel_levels_db,
    onset_errors_db,
    onset_of,
)

FLOOR_DB = -60.0


def make_mels(*, lead: int, frames: int = 60) -> tuple[Tensor, Tensor]:
    """A sound behind `lead` silent frames and a worse copy, each (1, 1, 32, frames) in dB."""
    random = torch.Generator().manual_seed(lead)
    original = torch.full((1, 1, 32, frames), FLOOR_DB)
    original[..., lead:] = 20 * torch.randn(1, 1, 32, frames - lead, generator=random)
    other = (original + 4 * torch.randn(original.shape, generator=random)).clamp(min=FLOOR_DB)
    return original, other


def onset_by_definition(a: Tensor, b: Tensor, start: int) -> tuple[float, float]:
    a, b = a[..., start : start + 6], b[..., start : start + 6]
    return (a - b).abs().mean().item(), (a.max() - b.max()).item()


@pytest.mark.parametrize("lead", [0, 1, 17, 53, 58])
def test_an_onset_is_measured_over_the_first_six_sounding_frames(lead: int) -> None:
    original, other = make_mels(lead=lead)

    assert first_sounding_frame(original) == lead
    onset = onset_of(original, other)
    errors, peaks = onset_errors_db(original, other, start=lead)

    expected = onset_by_definition(original[0, 0], other[0, 0], lead)
    assert (onset.error_db, onset.peak_db) == pytest.approx(expected, abs=1e-4)
    assert (errors.item(), peaks.item()) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("size", [1, 4, 7, 100])
@pytest.mark.parametrize("lead", [0, 20, 57])
def test_an_onset_is_the_same_however_the_mels_are_cut(size: int, lead: int) -> None:
    original, other = make_mels(lead=lead)
    meter = OnsetMeter()
    for pair in zip(original.split(size, dim=-1), other.split(size, dim=-1), strict=True):
        meter.add(*pair)

    assert meter.onset() == onset_of(original, other)


def test_an_onset_begins_with_the_channel_that_sounds_first() -> None:
    left, right = make_mels(lead=9), make_mels(lead=31)
    original, other = (torch.cat(pair) for pair in zip(left, right, strict=True))

    onset = onset_of(original, other)

    expected = onset_by_definition(original, other, 9)
    assert (onset.error_db, onset.peak_db) == pytest.approx(expected, abs=1e-4)


def test_silence_has_an_onset_and_a_level() -> None:
    silence = torch.full((1, 1, 32, 60), FLOOR_DB)

    assert first_sounding_frame(silence) is None
    assert onset_of(silence, silence + 3).error_db == pytest.approx(3)
    assert level_db(0.0, 0.0) == 0.0


def test_a_quieter_copy_has_a_level_below_zero_and_a_quieter_peak() -> None:
    original, _ = make_mels(lead=5)
    sounding = torch.ones(1, 60, dtype=torch.bool)

    assert mel_levels_db(original, original - 6, sounding).item() == pytest.approx(-6)
    assert onset_of(original, original - 6).peak_db == pytest.approx(6)
    assert level_db(4.0, 1.0) == pytest.approx(-10 * math.log10(4))


def test_a_level_counts_only_sounding_frames() -> None:
    original, _ = make_mels(lead=0)
    other = original.clone()
    other[..., 40:] += 20
    sounding = torch.arange(60)[None] < 40

    assert mel_levels_db(original, other, sounding).item() == pytest.approx(0)
    assert mel_levels_db(original, other, torch.ones(1, 60, dtype=torch.bool)).item() > 5


def test_the_range_of_levels_is_that_of_their_percentiles() -> None:
    levels = np.random.default_rng(0).normal(-2, 3, 37)

    found = loudness_range(levels.tolist())

    expected = np.percentile(levels, (50, 10, 90))
    assert (found.median_db, found.low_db, found.high_db) == pytest.approx(tuple(expected))


def test_one_sound_has_a_range_without_width() -> None:
    found = loudness_range([-1.5])
    assert found.median_db == found.low_db == found.high_db == -1.5


def test_the_energy_of_a_waveform_is_measured_on_its_way() -> None:
    waveform = torch.randn(2, 1_000, generator=torch.Generator().manual_seed(0))
    meter = EnergyMeter()
    passed = torch.cat(list(meter.measure(waveform.split(7, dim=1))), dim=1)
    assert torch.equal(passed, waveform)
    assert meter.energy == pytest.approx(float(waveform.square().sum()))
