"""beginnings + weights → onset figures by lead."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from torch import Tensor

from distill.codec.hearing import LEADS_S
from distill.data.datamodule import SegmentDataModule
from distill.model.mel import LogMel, SpectrogramConfig
from distill.model.vqvae import ConvVQVAE
from distill.training.codec.onset_probe import OnsetProbe, onset_figures
from tests.helpers.tiny_bundle import SPECTROGRAM

CPU = torch.device("cpu")


class Data:
    """Held-out sounds of noise that fades, or none."""

    def __init__(self, sounds: int) -> None:
        self.sounds = sounds

    def held_out_beginnings(
        self, most: int, *, samples: int, rank: int = 0, ranks: int = 1
    ) -> list[Tensor]:
        fade = torch.linspace(1, 0, samples)
        every = [
            fade * torch.randn(samples, generator=torch.Generator().manual_seed(number))
            for number in range(min(most, self.sounds))
        ]
        return every[rank::ranks]


class Quieter(torch.nn.Module):
    """Not a network: lowers the frames of a mel from `since` on by some dB."""

    def __init__(self, config: SpectrogramConfig, *, loss_db: float, since: int = 0) -> None:
        super().__init__()
        self.lost, self.since = loss_db / config.std_db, since

    def forward(self, mel: Tensor) -> Any:
        assert not self.training
        late = torch.arange(mel.shape[-1]) >= self.since
        return SimpleNamespace(mel=mel - self.lost * late)


def probe(sounds: int = 3, **place: int) -> OnsetProbe:
    return OnsetProbe(cast(SegmentDataModule, Data(sounds)), LogMel(SPECTROGRAM), **place)


def measure(model: torch.nn.Module, *probes: OnsetProbe) -> Tensor:
    sums = [probe.measure(cast(ConvVQVAE, model), CPU) for probe in probes]
    return torch.stack(sums).sum(dim=0)


def test_a_loss_that_begins_late_shows_only_behind_long_leads() -> None:
    hop_s = SPECTROGRAM.hop_length / SPECTROGRAM.sample_rate_hz
    model = Quieter(SPECTROGRAM, loss_db=4, since=round(0.3 / hop_s)).train()

    onset = onset_figures(measure(model, probe()))

    assert onset is not None
    assert tuple(onset.errors_db) == LEADS_S
    assert list(onset.errors_db.values()) == pytest.approx([0, 0, 0, 4, 4], abs=1e-3)
    assert list(onset.peaks_db.values()) == pytest.approx([0, 0, 0, 4, 4], abs=1e-3)
    assert onset.error_db == pytest.approx(8 / 5, abs=1e-3)
    assert model.training, "the mode is restored"


def test_it_is_the_same_each_time_and_over_several_ranks() -> None:
    model = Quieter(SPECTROGRAM, loss_db=2.5)
    once = probe()
    alone = onset_figures(measure(model, once))

    assert onset_figures(measure(model, once)) == alone
    shares = [probe(rank=rank, ranks=4) for rank in range(4)]  # the last one has no sound
    together = onset_figures(measure(model, *shares))
    assert alone is not None
    assert together is not None
    assert together.error_db == pytest.approx(alone.error_db)


def test_without_audible_sounds_there_is_no_figure() -> None:
    assert onset_figures(measure(Quieter(SPECTROGRAM, loss_db=1), probe(sounds=0))) is None
