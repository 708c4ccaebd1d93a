"""The generator of HiFi-GAN: exact lengths, any hop length that it can upsample to, chunks."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import pytest
import torch

from distill.model.mel import LogMel
from distill.vocoder.blocks import BLOCK, BlockVocoder
from distill.vocoder.hifigan_network import HifiGanConfig, HifiGanNetwork, upsampling
from distill.vocoder.kinds import plain_weights
from tests.helpers.tiny_bundle import SPECTROGRAM


def vocoder(hop_length: int = 128, blocks: int = 2) -> BlockVocoder:
    torch.manual_seed(0)
    factors = upsampling(hop_length)
    assert factors is not None
    config = HifiGanConfig(SPECTROGRAM.n_mels, channels=16, blocks=blocks, upsample=factors)
    network = HifiGanNetwork(config)
    for weight in network.parameters():
        torch.nn.init.normal_(weight, 0, 0.2)
    return BlockVocoder(LogMel(replace(SPECTROGRAM, hop_length=hop_length)), network)


def mel(frames: int, channels: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(1, 1, SPECTROGRAM.n_mels, frames, generator=generator).expand(
        channels, -1, -1, -1
    )


def joined(made: BlockVocoder, given: torch.Tensor, size: int) -> torch.Tensor:
    return torch.cat(list(made.stream(given.split(size, dim=-1))), dim=-1)


@pytest.mark.parametrize(
    ("hop_length", "factors"),
    [
        (512, (8, 8, 4, 2)),
        (256, (8, 8, 4)),
        (160, (8, 5, 4)),
        (441, (7, 7, 3, 3)),
        (3, (3,)),
        (17, None),
        (2 * 11, None),
    ],
)
def test_a_hop_length_is_a_product_of_small_factors(
    hop_length: int, factors: tuple[int, ...] | None
) -> None:
    assert upsampling(hop_length) == factors
    if factors is not None:
        assert prod(factors) == hop_length
        assert joined(vocoder(hop_length), mel(5, 2), 5).shape == (2, 5 * hop_length)


@pytest.mark.parametrize("size", [1, 100, BLOCK, BLOCK + 1, 600])
def test_chunks_give_the_sound_of_the_whole(size: int) -> None:
    made, given = vocoder(), mel(600, 2)
    whole = joined(made, given, 600)
    assert torch.equal(joined(made, given, size), whole)
    assert torch.equal(whole[0], whole[1])
    with torch.no_grad():
        at_once = made.network(made.spectrogram.to_decibels(given[:1, 0]))
    torch.testing.assert_close(at_once, whole[:1], atol=1e-5, rtol=0)
    assert 0.01 < whole.abs().max() <= 1
    assert list(made.stream([])) == []


@pytest.mark.parametrize("blocks", [1, 2, 3])
def test_no_sample_depends_on_frames_further_away_than_it_says(blocks: int) -> None:
    made = vocoder(blocks=blocks)
    given, hop = mel(120), 128
    changed = given.clone()
    changed[..., 60] += 1
    with torch.no_grad():
        one, other = (made.network(each[:, 0] * 20) for each in (given, changed))
    (differ,) = (one != other)[0].nonzero(as_tuple=True)
    assert differ.min() >= (60 - made.network.context) * hop
    assert differ.max() < (61 + made.network.context) * hop


def test_plain_weights_are_all_that_the_network_needs() -> None:
    network = vocoder().network
    assert plain_weights(network).keys() == network.state_dict().keys()
