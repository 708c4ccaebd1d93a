"""Starter weights of the prior: what they fit, and that they know how the codes of sounds go on."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from distill.model.mel import LogMel
from distill.model.starter import start_from_starter as start_codec
from distill.model.vqvae import ConvVQVAE, VQVAEConfig
from distill.prior.config import PriorNetworkConfig
from distill.prior.network import PriorNetwork
from distill.prior.starter import difference_from_starter, start_from_starter
from distill.training.prior.sizes import choose_size, network_config
from distill.training.prior.stretches import Stretch, collate
from tests.helpers.starters import DEFAULT

CODEC = VQVAEConfig(
    128, 64, 3, 0.8, 0.25, 0.2, 4, 0.0, 128, 8, 4, low_levels=4, low_codebook_size=32
)
"""The default one, with fewer codes."""


def sizes(classes: int = 0) -> PriorNetworkConfig:
    return network_config(choose_size(300_000), CODEC, rows=16, classes=classes)


def test_they_fit_default_priors_of_small_and_middling_collections() -> None:
    assert difference_from_starter(sizes()) is None
    assert difference_from_starter(replace(sizes(classes=19), codebook_size=512)) is None
    assert difference_from_starter(replace(sizes(), levels=4)) == (
        "they are made for levels 3, this prior has 4"
    )
    large = network_config(choose_size(10**8), CODEC, rows=16, classes=0)
    assert "they are made for width 192" in str(difference_from_starter(large))


def test_they_know_how_the_codes_of_sounds_go_on() -> None:
    """Before a single step, where a network without them knows nothing."""
    torch.manual_seed(0)
    codec, spectrogram = ConvVQVAE(CODEC), LogMel(DEFAULT)
    start_codec(codec, DEFAULT)
    known = torch.stack([_note(pitch) for pitch in (110, 147, 220, 311, 440, 622)])
    codec(spectrogram(known[:, None]))
    codec.eval()
    network = PriorNetwork(sizes(classes=2), codec.codebooks).eval()
    codes = codec.encode(spectrogram(_note(260)[None, None]))[0]
    assert _bits(network, codes) == pytest.approx(1, abs=0.02), "as many as a code takes in a file"
    start_from_starter(network)
    assert _bits(network, codes) < 0.8
    classes = network.label.weight
    assert not torch.equal(classes[0], classes[1]), "each class begins a little apart"


def _note(hz: float) -> Tensor:
    """A note that dies away, (T,)."""
    times = torch.arange(36_000) / 48_000
    partials = (torch.sin(2 * torch.pi * n * hz * times) / n for n in range(1, 9))
    return 0.3 * torch.exp(-6 * times) * torch.stack([*partials]).sum(dim=0)


@torch.no_grad()
def _bits(network: PriorNetwork, codes: Tensor) -> float:
    """Bits of codes (H, W, L), over those that they take in a file."""
    stretch = Stretch(codes, 0, codes.shape[1], -1, -20.0)
    batch, conditions, valid = collate([stretch], network.config, torch.device("cpu"))
    logits, real = network(batch, conditions, valid), network.code_mask(valid)
    blocks = network.blocks(batch)[network.block_mask(valid)]
    layout, bits, whole = network.config.layout, 0.0, 0.0
    for level, size in enumerate(layout.sizes):
        mine = slice(level, None, len(layout.sizes))
        there = real[:, mine]
        logs = logits[:, mine, :size][there].log_softmax(dim=1)
        bits -= float(logs.gather(1, blocks[:, mine][there][:, None]).sum()) / math.log(2)
        whole += int(there.sum()) * math.log2(size)
    return bits / whole
