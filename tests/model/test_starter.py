"""Starter weights: the same sound in dB from any collection's normalisation, codebooks new."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from distill.model.config import VQVAEConfig
from distill.model.mel import SpectrogramConfig
from distill.model.starter import difference_from_starter, start_from_starter
from distill.model.vqvae import ConvVQVAE

NETWORK = VQVAEConfig(
    codebook_dim=128,
    codebook_size=64,
    num_quantizers=3,
    decay=0.9,
    commitment_weight=0.25,
    threshold_ema_dead_code=2,
    kmeans_iters=5,
    dropout=0.0,
    channels=128,
    stride=8,
    residual_units=4,
)
MEL = SpectrogramConfig(48_000, 2048, 512, 128, 1e-3, -40.0, 15.0)


def started(mel: SpectrogramConfig) -> ConvVQVAE:
    """A network with the starter weights for this collection."""
    torch.manual_seed(0)
    model = ConvVQVAE(NETWORK)
    start_from_starter(model, mel)
    return model.eval()


def decoded_db(mel: SpectrogramConfig, decibels: torch.Tensor) -> torch.Tensor:
    """Mels in dB (B, 1, M, F) → what encoder and decoder make of them without codes, in dB."""
    model = started(mel)
    with torch.no_grad():
        latent = model.encoder((decibels - mel.mean_db) / mel.std_db)
        return model.decoder(latent) * mel.std_db + mel.mean_db


def a_tone_in_noise() -> torch.Tensor:
    """Mels in dB (1, 1, 128, 96): a floor, a soft noise, and two loud partials that fade."""
    noise = torch.randn(128, 96, generator=torch.Generator().manual_seed(0))
    decibels = -52 + 3 * noise
    fade = torch.linspace(0, 20, 64)
    decibels[20:23, 32:] = -5 - fade
    decibels[40:42, 32:] = -15 - fade
    return decibels.clamp(min=-60)[None, None]


@pytest.mark.parametrize(("mean_db", "std_db"), [(-20.0, 9.0), (-55.0, 22.0)])
def test_a_collections_normalisation_does_not_change_what_comes_out(
    mean_db: float, std_db: float
) -> None:
    sound = a_tone_in_noise()
    other = replace(MEL, mean_db=mean_db, std_db=std_db)
    assert torch.allclose(decoded_db(MEL, sound), decoded_db(other, sound), atol=0.02)


def test_an_untrained_network_already_passes_a_mel_through() -> None:
    sound = a_tone_in_noise()
    assert (decoded_db(MEL, sound) - sound).abs().mean() < 3


def test_codebooks_are_not_part_of_it() -> None:
    assert not started(MEL).quantizer.initialised


def test_another_network_or_front_end_does_not_take_them() -> None:
    assert difference_from_starter(NETWORK, MEL) is None
    other_codes = replace(NETWORK, codebook_size=256, num_quantizers=1)
    assert difference_from_starter(other_codes, MEL) is None
    narrow = replace(NETWORK, channels=64)
    assert difference_from_starter(narrow, MEL) == (
        "they are made for channels 128, this network has 64"
    )
    coarse = replace(MEL, n_mels=80)
    assert difference_from_starter(NETWORK, coarse) == (
        "they are made for n_mels 128, this network has 80"
    )
    with pytest.raises(ValueError, match="made for channels 128"):
        start_from_starter(ConvVQVAE(narrow), MEL)
