"""mel filters that no frequency falls into: counted, and nearest settings without them."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import Tensor
from torchaudio.functional import melscale_fbanks

from distill.model.filters import find_empty_filters
from distill.model.mel import LogMel, SpectrogramConfig

SETTINGS = [(48_000, 512, 128), (44_100, 512, 128), (16_000, 512, 128), (8_000, 64, 32)]


def empty(rate_hz: int, n_fft: int, n_mels: int) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        bank: Tensor = melscale_fbanks(n_fft // 2 + 1, 0.0, rate_hz // 2, n_mels, rate_hz)
    return int((bank.sum(0) == 0).sum())


def log_mel(rate_hz: int, n_fft: int, n_mels: int) -> LogMel:
    return LogMel(SpectrogramConfig(rate_hz, n_fft, n_fft // 4, n_mels, 1e-3, 0.0, 1.0))


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_advice_is_the_nearest_that_has_none(setting: tuple[int, int, int]) -> None:
    rate_hz, n_fft, n_mels = setting
    found = find_empty_filters(sample_rate_hz=rate_hz, n_fft=n_fft, n_mels=n_mels)
    assert found is not None
    assert found.count == empty(*setting) > 0
    assert found.n_mels == max(m for m in range(1, n_mels) if not empty(rate_hz, n_fft, m))
    powers = [1 << power for power in range(4, 17) if 1 << power > n_fft]
    assert found.n_fft == next(n for n in powers if not empty(rate_hz, n, n_mels))


def test_the_default_has_none() -> None:
    assert find_empty_filters(sample_rate_hz=48_000, n_fft=2048, n_mels=128) is None


def test_there_may_be_no_advice() -> None:
    found = find_empty_filters(sample_rate_hz=384_000, n_fft=65_536, n_mels=1024)
    assert found is None or found.n_fft is None


@pytest.mark.filterwarnings("error")
def test_the_front_end_uses_these_filters_and_torchaudio_is_silent() -> None:
    mel = log_mel(48_000, 512, 128)
    noise = torch.rand(1, 1, 48_000, generator=torch.Generator().manual_seed(0)) - 0.5
    silent = (mel.magnitude(noise)[0, 0].amax(dim=-1) == 0).sum()
    assert silent == (mel.filters.sum(0) == 0).sum() == 11
