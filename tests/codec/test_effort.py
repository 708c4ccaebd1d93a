"""Encoding with more effort: nearer to the sound, of the levels kept, the same in any chunks."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from distill.bundle.format import write_bundle
from distill.bundle.loaded import LoadedModel
from distill.bundle.loading import load_bundle
from distill.codec import effort as effort_module
from distill.codec import stream
from distill.codec.codec import Codec
from distill.codec.codes import Codes
from distill.codec.mel_error import compare_mels
from distill.errors import CodesError
from distill.model import refinement
from distill.model.mel import LogMel
from distill.model.starter import start_from_starter
from distill.model.vqvae import ConvVQVAE
from tests.helpers.low_rows import LOW_CONFIG, LOW_SPECTROGRAM, low_fields
from tests.helpers.starters import DEFAULT

RATE_HZ = 16_000
EFFORTS = (0, 1, 2)
SPECTROGRAM = replace(DEFAULT, mean_db=-20.0, std_db=25.0)
NETWORK = replace(
    LOW_CONFIG,
    codebook_dim=128,
    channels=128,
    stride=8,
    residual_units=4,
    codebook_size=64,
    low_codebook_size=32,
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    """With random weights."""
    path = tmp_path_factory.mktemp("model") / "low.distillgan"
    write_bundle(path, low_fields())
    return load_bundle(path)


@pytest.fixture(scope="module")
def able() -> Codec:
    """With starter weights, which know what a mel looks like, and codes of some notes."""
    torch.manual_seed(0)
    network, spectrogram = ConvVQVAE(NETWORK), LogMel(SPECTROGRAM)
    start_from_starter(network, SPECTROGRAM)
    known = torch.cat([notes(samples=30_000, seed=seed) for seed in range(6)])
    for _ in range(2):
        network(spectrogram(known[:, None]))
    return Codec(network.eval(), spectrogram, "able", "0" * 16)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a short sound has many."""
    monkeypatch.setattr(stream, "FRAMES", 64)
    monkeypatch.setattr(stream, "COLUMNS", 4)
    monkeypatch.setattr(effort_module, "BLOCK", 6)
    monkeypatch.setattr(refinement, "STEPS", 5)


def notes(channels: int = 1, samples: int = 30_000, *, seed: int = 100) -> Tensor:
    """Notes that die away, over a little noise, (C, T)."""
    generator = torch.Generator().manual_seed(seed)
    times = torch.arange(samples) / RATE_HZ
    sound = 0.003 * torch.randn(channels, samples, generator=generator)
    for begin_s in torch.rand(6, generator=generator).tolist():
        pitches_hz = 80 + 2_000 * torch.rand(channels, 1, generator=generator).square()
        later = (times - 1.8 * begin_s).clamp(min=0)
        sound += 0.3 * torch.exp(-5 * later) * torch.sin(2 * torch.pi * pitches_hz * later)
    return sound


def mel_error_db(codec: Codec, sound: Tensor, codes: Codes) -> float:
    """In dB, of the decoded mel."""
    mels = codec.mels([sound], codec.sample_rate_hz), codec.decoded_mels(codes)
    return compare_mels(*mels, spectrogram=codec.spectrogram)[0].error_db


def latent_error(codec: Codec, sound: Tensor, codes: Codes) -> float:
    """Mean square, over that of the latents."""
    whole = stream.between_silence(sound, codec.spectrogram, codec.network)
    latent = codec.network.latent(codec.spectrogram(whole[:, None])).detach().permute(0, 2, 3, 1)
    vectors = codec.network.vectors(codes.indices)[..., : latent.shape[-1]]
    missing = vectors - latent
    return float(missing.square().mean() / latent.square().mean())


def test_without_effort_codes_are_those_of_the_network(model: LoadedModel) -> None:
    sound, network = notes(2), model.codec.network
    whole = stream.between_silence(sound, model.codec.spectrogram, network)
    expected = network.encode(model.codec.spectrogram(whole[:, None]))
    assert torch.equal(model.encode(sound, RATE_HZ).indices, expected)
    assert torch.equal(model.encode(sound, RATE_HZ, effort=0).indices, expected)
    one = model.encode(sound, RATE_HZ, levels=1, effort=0)
    assert torch.equal(one.indices, expected[..., :1])


@pytest.mark.parametrize("levels", [1, 2])
def test_more_effort_comes_nearer(
    able: Codec, levels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With all levels, and with the first alone: then it is decoded of that one."""
    monkeypatch.setattr(refinement, "STEPS", 20)
    sound, rate_hz = notes(), able.sample_rate_hz
    codes = [able.encode(sound, rate_hz, levels=levels, effort=effort) for effort in EFFORTS]
    assert len({(each.layout, each.bits) for each in codes}) == 1, "it takes no more room"
    latents = [latent_error(able, sound, each) for each in codes]
    if levels == 1:  # of a single level, the nearest codes are the best
        assert torch.equal(codes[1].indices, codes[0].indices)
    else:
        assert latents[1] < 0.99 * latents[0]
    usual, searched, refined = (mel_error_db(able, sound, each) for each in codes)
    assert refined < min(usual, searched)


@pytest.mark.usefixtures("small_blocks")
def test_codes_that_took_effort_go_through_a_file(model: LoadedModel, tmp_path: Path) -> None:
    for effort in EFFORTS:
        codes = model.encode(notes(2), RATE_HZ, effort=effort)
        codes.save(path := tmp_path / f"{effort}.distillcodes")
        loaded = Codes.load(path)
        assert replace(loaded, indices=codes.indices) == codes
        assert torch.equal(loaded.indices, codes.indices)
        assert model.decode(loaded).shape == (2, 30_000)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("effort", EFFORTS)
def test_chunks_do_not_change_the_codes(model: LoadedModel, effort: int) -> None:
    sound = notes(2)
    whole = model.encode(sound, RATE_HZ, effort=effort)
    for size in (777, 5_000):
        codes = model.encode_stream(sound.split(size, dim=1), RATE_HZ, effort=effort)
        assert torch.equal(codes.indices, whole.indices)


@pytest.mark.parametrize("effort", [0, 1])
def test_pieces_have_the_codes_of_the_whole(
    model: LoadedModel, effort: int, request: pytest.FixtureRequest
) -> None:
    whole = model.encode(notes(), RATE_HZ, effort=effort)
    request.getfixturevalue("small_blocks")
    assert torch.equal(model.encode(notes(), RATE_HZ, effort=effort).indices, whole.indices)


def test_blocks_join_well(able: Codec, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sound refined in two blocks gains nearly as much as in a single one."""
    monkeypatch.setattr(refinement, "STEPS", 6)
    sound, rate_hz = notes(samples=100_000), able.sample_rate_hz
    usual = mel_error_db(able, sound, able.encode(sound, rate_hz))
    single = mel_error_db(able, sound, able.encode(sound, rate_hz, effort=2))
    monkeypatch.setattr(effort_module, "BLOCK", 1)  # then it is as long as its surroundings
    double = mel_error_db(able, sound, able.encode(sound, rate_hz, effort=2))
    assert usual - double > 0.9 * (usual - single) > 0


@pytest.mark.usefixtures("small_blocks")
def test_channels_are_refined_each_by_itself(model: LoadedModel) -> None:
    sound = notes(2)
    both = model.encode(sound, RATE_HZ, effort=2)
    assert both.indices.shape[0] == 2
    first = model.encode(sound[:1], RATE_HZ, effort=2)
    assert torch.equal(both.indices[:1], first.indices)


@pytest.mark.usefixtures("small_blocks")
def test_refinement_leaves_the_model_and_works_where_gradients_are_off(model: LoadedModel) -> None:
    before = {key: each.clone() for key, each in model.codec.network.state_dict().items()}
    expected = model.encode(notes(), RATE_HZ, effort=2)
    with torch.inference_mode():
        assert torch.equal(model.encode(notes(), RATE_HZ, effort=2).indices, expected.indices)
    with torch.no_grad():
        assert torch.equal(model.encode(notes(), RATE_HZ, effort=2).indices, expected.indices)
    for key, each in model.codec.network.state_dict().items():
        assert torch.equal(each, before[key])
    assert all(each.grad is None for each in model.codec.network.parameters())


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("channels", [1, 2])
def test_refining_tells_how_far_it_is(model: LoadedModel, channels: int) -> None:
    told: list[float] = []
    sound = notes(channels)
    model.encode_stream([sound], RATE_HZ, effort=2, progress=told.append)
    assert len(told) == 5 * channels * 3
    column_s = model.codec.column_samples / RATE_HZ
    assert 0 <= sum(told) - sound.shape[1] / RATE_HZ <= 1.1 * column_s


@pytest.mark.usefixtures("small_blocks")
def test_silence_and_a_single_sample_can_be_refined(model: LoadedModel) -> None:
    for sound in (torch.zeros(1, 4_000), torch.full((1, 1), 0.5)):
        codes = model.encode(sound, RATE_HZ, effort=2)
        assert model.decode(codes).shape == sound.shape


def test_a_decoder_beyond_all_numbers_leaves_the_codes_of_the_search(model: LoadedModel) -> None:
    codec = copy.deepcopy(model.codec)
    for weight in codec.network.decoder.parameters():
        weight.data.mul_(1e30)
    refined = codec.encode(notes(), RATE_HZ, effort=2)
    assert torch.equal(refined.indices, codec.encode(notes(), RATE_HZ, effort=1).indices)


def test_a_network_without_surroundings_is_refined_too(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    config = replace(LOW_CONFIG, stride=1, residual_units=0)
    network, spectrogram = ConvVQVAE(config), LogMel(LOW_SPECTROGRAM)
    network(spectrogram(notes()[:, None]))
    codec = Codec(network.eval(), spectrogram, "flat", "0" * 16)
    monkeypatch.setattr(refinement, "STEPS", 2)
    codes = codec.encode(notes(), RATE_HZ, effort=2)
    assert codes.indices.shape[2] == codec.columns(30_000) > effort_module.BLOCK


@pytest.mark.parametrize("effort", [-1, 3, 0.5, "1", None, True, float("nan"), 10**40])
def test_other_efforts_are_refused(model: LoadedModel, effort: Any) -> None:
    with pytest.raises(CodesError, match="^effort=.*: must be a whole number from 0 to 2$"):
        model.encode(notes(), RATE_HZ, effort=effort)
