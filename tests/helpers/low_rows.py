"""A tiny model whose low rows have levels of their own, with a prior if it is wanted."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import torch

from distill.model.config import VQVAEConfig
from distill.model.held import held_levels
from distill.model.layout import NO_CODE
from distill.model.vqvae import ConvVQVAE
from distill.prior.network import PriorNetwork
from distill.prior.prior import Prior
from tests.helpers.tiny_bundle import CONFIG, SPECTROGRAM, fields_of, prior_state, tiny_prior

LOW_CONFIG = replace(CONFIG, stride=16, low_levels=2, low_codebook_size=5)
LOW_SPECTROGRAM = replace(SPECTROGRAM, n_mels=64)
"""Four latent rows, the lowest of which is low."""


def low_model(config: VQVAEConfig = LOW_CONFIG) -> ConvVQVAE:
    """In eval mode, with filled codebooks."""
    torch.manual_seed(0)
    model = ConvVQVAE(config)
    for _ in range(3):
        model(torch.randn(4, 1, LOW_SPECTROGRAM.n_mels, 64))
    return model.eval()


def low_fields(*, prior: bool = False) -> dict[str, Any]:
    """What `write_bundle` is given."""
    model = low_model()
    fields = {
        **fields_of(model),
        "vqvae_config": asdict(LOW_CONFIG),
        "spectrogram_config": asdict(LOW_SPECTROGRAM),
    }
    level = {"utilization": 0.6, "perplexity": 2.5, "dead_codes": 2}
    fields["codebook_health_snapshot"] |= {"low_0": level, "low_1": level}
    if prior:
        state = low_prior(model).state()
        fields["prior_state"] = {**prior_state(), **state}
    return fields


def low_prior(model: ConvVQVAE) -> Prior:
    """A prior with random weights for the model's codes, which knows six sounds."""
    known = tiny_prior()
    layout = LOW_CONFIG.layout(LOW_SPECTROGRAM.n_mels)
    sizes = replace(
        known.config.network,
        rows=layout.rows,
        codebook_dim=LOW_CONFIG.vector_dim,
        low_levels=layout.low_levels,
        low_codebook_size=layout.low_codebook_size,
    )
    torch.manual_seed(1)
    network = PriorNetwork(sizes, model.codebooks).eval()
    columns = sum(sound.columns for sound in known.config.sounds)
    books = [torch.randint(size, (layout.rows, columns)) for size in layout.sizes]
    held = held_levels(layout)[:, None]
    codes = torch.where(held, torch.stack(books, dim=-1), NO_CODE).to(torch.int16)
    return Prior(replace(known.config, network=sizes), network, codes, known.bits_per_s)
