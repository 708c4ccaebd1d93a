"""`scripts/bench/judge.py`: its controls are what they are called, and judges find false sounds."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from tests.helpers.checkout import REPOSITORY

RATE_HZ = 48_000


@pytest.fixture(autouse=True)
def scripts_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a script that is run."""
    monkeypatch.setattr(sys, "path", [str(REPOSITORY / "scripts" / "bench"), *sys.path])


def tone(hz: float, seconds: float = 0.4) -> np.ndarray:
    """A tone that dies away a little."""
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return (np.sin(2 * np.pi * hz * time_s) * np.exp(-time_s)).astype(np.float32)


def share_of(sound: np.ndarray, hz: float) -> float:
    """How much of a sound's energy lies around a frequency."""
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    near = np.abs(np.fft.rfftfreq(len(sound), 1 / RATE_HZ) - hz) < 0.25 * hz
    return float(power[near].sum() / power.sum())


def test_a_cut_is_one_sound_and_then_the_other_and_a_layer_is_both_at_once() -> None:
    from judge_controls import crossfade, cut_hard, layer, prepare

    low, high = prepare(tone(300)), prepare(tone(3000))
    for make in (cut_hard, crossfade):
        for seed in range(5):
            cut = make(low, high, np.random.default_rng(seed))
            begin, end = cut[: RATE_HZ // 50], cut[-RATE_HZ // 20 :]
            assert share_of(begin, 300) > 0.9
            assert share_of(end, 3000) > 0.95
    both = layer(low, high, np.random.default_rng(0))
    for part in np.array_split(both, 3):
        assert min(share_of(part, 300), share_of(part, 3000)) > 0.1


def test_altered_sounds_are_still_one_and_controls_keep_about_the_length() -> None:
    from judge_controls import CONTROLS, prepare

    low, high = prepare(tone(300)), prepare(tone(3000, 0.5))
    for name, control in CONTROLS.items():
        made = control.make(low, high, np.random.default_rng(1))
        assert made.dtype == np.float32
        assert 0.7 < len(made) / len(low) < 1.3, name
        assert np.abs(made).max() <= 1
        if name in ("padded", "augmented"):
            assert share_of(made, 300) > 0.9, name


def test_only_what_differs_is_told() -> None:
    from judge_views import accuracy

    random = torch.Generator().manual_seed(0)
    real, same, other = (torch.randn(400, generator=random) for _ in range(3))
    assert 0.45 < accuracy(real, same) < 0.55
    assert accuracy(real, other + 2) == pytest.approx(0.84, abs=0.04), "as two normal curves say"
    assert accuracy(real, other + 20) == 1


@pytest.mark.slow
def test_a_judge_finds_mixes_of_sounds_that_it_has_not_heard() -> None:
    from judge_mels import prepare_batch
    from judge_mixes import Mixes, bank
    from judge_network import look_at, taught

    def seen(magnitudes: torch.Tensor) -> torch.Tensor:
        decibels = 20 * torch.log10(magnitudes.float().clamp(min=1e-5))
        return look_at(judge, prepare_batch(decibels))

    random = torch.Generator().manual_seed(0)
    mels = [steady(random) for _ in range(24)]
    judge = taught(Mixes(bank(mels[:16]), seed=0), seed=0, steps=60)
    unheard = bank(mels[16:])
    mixes = Mixes(unheard, seed=1)
    false = torch.cat([seen(mixes.make(kind, 24)) for kind in ("cut", "layer")])
    share = float((false[:, None] > seen(unheard)).float().mean())
    assert share > 0.65


def steady(random: torch.Generator) -> torch.Tensor:
    """The mel in dB (M, F) of a made-up sound: a few bands that die away together."""
    level = -40 * torch.rand(128, 1, generator=random)
    level = torch.nn.functional.avg_pool1d(level.T[None], 9, 1, 4)[0].T
    speed = 0.1 + 0.2 * torch.rand(1, generator=random)
    return 3 * level - speed * torch.arange(60)
