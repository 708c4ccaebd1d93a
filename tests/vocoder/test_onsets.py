"""Where sounds begin is found, read from their mel, and put right in the waveform."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from distill.codec.attack import measure_attacks
from distill.vocoder import phase_rounds
from distill.vocoder.onset_network import onset_loss
from distill.vocoder.onsets import PLACES, Onset, find_onsets, read_onsets, scaled
from distill.vocoder.sharpening import sharpen
from distill.vocoder.vocoder import vocode
from tests.helpers.starters import DEFAULT, starter

RATE_HZ = DEFAULT.sample_rate_hz


def hit(samples: int = 9600, *, hz: float = 900.0) -> np.ndarray:
    """It begins at once, and dies away within 50 ms; a bright one, as wood or a rim."""
    time_s = np.arange(samples) / RATE_HZ
    noise = np.random.default_rng(1).standard_normal(samples)
    tone = np.cos(2 * np.pi * hz * time_s)
    return (0.3 * (tone + 0.4 * noise) * np.exp(-time_s / 0.015)).astype(np.float32)


def place(*begins: int, samples: int = 48_000) -> np.ndarray:
    """Hits behind silence."""
    sound = np.zeros(samples, np.float32)
    for begin in begins:
        part = hit()[: samples - begin]
        sound[begin : begin + len(part)] += part
    return sound


def test_each_hit_of_a_roll_is_found_where_it_begins() -> None:
    begins = [5000, 9000, 15_500, 18_500, 30_000]
    found = find_onsets(place(*begins), RATE_HZ)
    assert [onset.sample for onset in found] == pytest.approx(begins, abs=12)
    assert all(onset.rise_ms <= 1 for onset in found)
    assert found[0].before_db < -59  # silence
    assert -50 < found[3].before_db < -5  # the hit before still sounds


def test_a_slow_beginning_is_read_as_slow() -> None:
    sound = np.zeros(48_000, np.float32)
    sound[9000:] = 0.5 * np.sin(0.05 * np.arange(39_000)) * np.clip(np.arange(39_000) / 960, 0, 1)
    (onset,) = find_onsets(sound, RATE_HZ)
    assert 8 < onset.rise_ms < 20


def test_a_tone_that_goes_on_has_no_onset_but_its_first() -> None:
    time_s = np.arange(96_000) / RATE_HZ
    tone = np.sin(2 * np.pi * 110 * time_s) * (1 + 0.3 * np.sin(2 * np.pi * 5 * time_s)) / 2
    assert [onset.sample for onset in find_onsets(tone.astype(np.float32), RATE_HZ)[1:]] == []


@pytest.mark.parametrize("samples", [0, 1, 11, 100])
def test_the_shortest_sounds(samples: int) -> None:
    sound = np.ones(samples, np.float32)
    assert len(find_onsets(sound, RATE_HZ)) <= 1
    assert find_onsets(np.zeros(samples, np.float32), RATE_HZ) == []
    waveform = torch.from_numpy(sound)
    assert torch.equal(
        sharpen(waveform, [Onset(0, 1.0, -60.0)], RATE_HZ, only_before=False), waveform
    )


def test_what_a_network_says_is_read_as_it_was_meant() -> None:
    given = [Onset(2000, 0.5, -50.0), Onset(9999, 3.0, -12.0)]
    said = torch.zeros(40, PLACES + 3)
    said[:, 0] = 9
    for onset in given:
        frame, rest = divmod(onset.sample + 256, 512)
        said[frame, 1 + rest * PLACES // 512] = 15
        said[frame, PLACES + 1 :] = torch.tensor(scaled(onset))
    for one, other in zip(read_onsets(said, hop_length=512), given, strict=True):
        assert one.sample == pytest.approx(other.sample, abs=16)
        assert one[1:] == pytest.approx(other[1:], abs=0.01)


def test_the_loss_is_least_where_the_onsets_are() -> None:
    waveform = torch.from_numpy(place(10_250))[None]

    def loss(frame: int, place_in_it: int) -> float:
        said = torch.zeros(1, 94, PLACES + 3)
        said[..., 0] = 9
        said[0, frame, place_in_it] = 18
        return float(onset_loss(said, waveform, rate_hz=RATE_HZ, hop_length=512))

    right = loss(20, 1 + PLACES // 2)
    assert right < 0.15
    assert right < loss(20, 1 + PLACES // 2 - 2)
    assert right < loss(21, 1 + PLACES // 2)


def test_what_is_smeared_becomes_quiet_before_and_sharp_from_there() -> None:
    original = place(1600, samples=40_000)
    window = np.hanning(481)
    smeared = np.convolve(original**2, window / window.sum(), "same") ** 0.5
    smeared *= np.sign(np.random.default_rng(0).standard_normal(len(smeared)))
    given = torch.from_numpy(smeared.astype(np.float32))
    given[30_000] = 0.01  # far from the onset
    sharp = sharpen(given, [Onset(1590, 0.5, -60.0)], RATE_HZ, only_before=False)
    figures = [
        measure_attacks(torch.from_numpy(original)[None], each[None], rate_hz=RATE_HZ)
        for each in (given, sharp)
    ]
    assert figures[0] is not None
    assert figures[1] is not None
    assert figures[0].pre_ring_db is not None
    assert figures[1].pre_ring_db is not None
    assert figures[0].rise_ms > 2 >= figures[1].rise_ms
    assert figures[1].pre_ring_db < figures[0].pre_ring_db
    assert sharp[:1560].square().sum() < 0.01 * given[:1560].square().sum()
    assert (sharp - given).nonzero().max() < 1600 + 0.01 * RATE_HZ
    assert torch.equal(sharpen(given, [], RATE_HZ, only_before=False), given)


def test_a_sudden_end_that_was_read_as_an_onset_stays_as_it_was() -> None:
    tone = 0.5 * torch.sin(0.03 * torch.arange(20_000))
    tone[10_000:] = 0
    assert torch.equal(sharpen(tone, [Onset(10_000, 0.5, -60.0)], RATE_HZ, only_before=False), tone)


def test_attacks_come_back_sharp_wherever_in_a_frame_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By the starter weights, which have not heard this sound; in the middle of a loop, too."""
    vocoder = starter()
    sounds = [place(1400 + 128 * n, 20_000 - 100 * n, samples=30_000) for n in range(4)]

    def measure() -> tuple[float, float]:
        rises, rings = [], []
        for sound in sounds:
            original = torch.from_numpy(sound)[None]
            given = vocode(vocoder, vocoder.spectrogram(original[None]), samples=original.shape[1])
            figures = measure_attacks(original, given, rate_hz=RATE_HZ)
            assert figures is not None
            assert figures.pre_ring_db is not None
            rises.append(figures.rise_ms)
            rings.append(figures.pre_ring_db)
        return float(np.median(rises)), float(np.median(rings))

    rise_ms, ring_db = measure()
    monkeypatch.setattr(phase_rounds, "sharpen", lambda waveform, *_, **__: waveform)
    blunt_ms, blunt_db = measure()
    assert rise_ms <= 1.5
    assert rise_ms < blunt_ms
    assert ring_db < blunt_db - 10
