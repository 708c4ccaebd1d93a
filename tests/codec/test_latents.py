"""Sounds, mels, latents, codes: each step by itself gives what the whole way gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

import distill
from distill.bundle.format import write_bundle
from distill.bundle.loaded import LoadedModel
from distill.codec.codes import Codes
from distill.errors import CodesError, SoundError
from tests.helpers.low_rows import low_fields
from tests.helpers.sounds import tone
from tests.helpers.tiny_bundle import fields_of, tiny_model

FIELDS = {"plain": lambda: fields_of(tiny_model()), "low rows": low_fields}


@pytest.fixture(scope="module", params=FIELDS)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    path = tmp_path_factory.mktemp("bundle") / "tiny.distillgan"
    write_bundle(path, FIELDS[request.param]())
    return distill.load(path)


@pytest.fixture(scope="module")
def sound() -> Tensor:
    """Fading out, so that nothing is kept of it beside its codes."""
    return torch.from_numpy(tone(330, 0.6)) * torch.linspace(1, 0, 9_600)


def test_quantised_latents_are_those_of_the_codes(model: LoadedModel, sound: Tensor) -> None:
    codes = model.encode(sound, model.sample_rate_hz)
    assert not codes.facts
    mel = model.mel(sound)
    found = model.quantize(model.latents(sound), mel)
    assert torch.equal(found.codes, codes.indices)
    decoded = model.decode_latents(found.latents, details=found.details)
    assert decoded.shape == mel.shape
    assert torch.allclose(model.sound(decoded, samples=codes.samples), model.decode(codes))


def test_shapes_are_as_promised(model: LoadedModel, sound: Tensor) -> None:
    layout, stride = model.codec.layout, model.codec.network.stride
    mel = model.mel(torch.stack([sound, -sound]))
    latents = model.latents(mel)
    bins = model.codec.spectrogram.config.n_mels
    dim = model.codec.network.config.codebook_dim
    columns = mel.shape[3] // stride
    assert mel.shape == (2, 1, bins, columns * stride)
    assert latents.shape == (2, dim, layout.rows, columns)
    assert latents.dtype == torch.float32
    found = model.quantize(latents, mel)
    assert found.codes.shape == (2, layout.rows, columns, len(layout.sizes))
    assert found.latents.shape == latents.shape
    without_mel = model.quantize(latents)
    assert without_mel.details is None
    most = without_mel.codes.shape[-1]
    assert torch.equal(without_mel.codes, found.codes[..., :most])
    assert model.decode_latents(latents, frames=5).shape == (2, 1, bins, 5)
    assert torch.equal(model.latents(torch.stack([sound, -sound])), latents)
    assert model.sound(mel).shape == (2, model.codec.samples(columns))


def test_gradients_flow_to_the_sound(model: LoadedModel, sound: Tensor) -> None:
    given = sound.clone().requires_grad_()
    found = model.quantize(model.latents(given), model.mel(sound))
    model.decode_latents(found.latents, details=found.details).square().mean().backward()
    assert given.grad is not None
    assert torch.isfinite(given.grad).all()
    assert given.grad.abs().max() > 0
    latents = model.latents(sound).requires_grad_()
    model.decode_latents(latents).sum().backward()
    assert latents.grad is not None
    assert latents.grad.abs().max() > 0


def test_codes_alone_are_decoded(model: LoadedModel, sound: Tensor) -> None:
    codes = model.encode(sound, model.sample_rate_hz)
    natural = model.decode(codes.indices)
    columns = codes.indices.shape[2]
    assert natural.shape == (1, model.codec.samples(columns))
    assert natural.shape[1] + model.codec.spectrogram.config.hop_length > codes.samples
    array = codes.indices.numpy().astype(np.int16)
    for given in (array, array[0], codes.indices.int()):
        assert torch.equal(model.decode(given), natural)
    exact = model.codes(array, samples=codes.samples)
    assert torch.equal(model.decode(exact), model.decode(codes))
    assert torch.equal(model.decode(array[..., :1]), model.decode(natural_codes(model, array, 1)))


def natural_codes(model: LoadedModel, array: np.ndarray, levels: int) -> Codes:
    """All codes, of which the first levels are taken."""
    return model.codes(array).first_levels(levels)


def test_what_cannot_be_codes_is_refused(model: LoadedModel) -> None:
    layout = model.codec.layout
    whole = torch.zeros(layout.rows, 6, layout.levels, dtype=torch.int64)
    for wrong, why in (
        (whole.float(), "must be whole numbers"),
        (whole[1:], "must be .*L of this model"),
        (whole[:, :1], "1 columns: too few"),
        (whole + layout.codebook_size, "does not fit the model"),
        (whole - 1, "does not fit the model"),
        (whole - 2, "must be at least 0"),
        (torch.zeros(layout.rows, 6, 12, dtype=torch.int64), "L of this model 1 to 2"),
    ):
        with pytest.raises(CodesError, match=why):
            model.decode(wrong)


def test_what_cannot_be_a_sound_a_mel_or_latents_is_refused(model: LoadedModel) -> None:
    layout = model.codec.layout
    with pytest.raises(SoundError, match="must be a waveform"):
        model.latents(torch.zeros(1, 2, 3))
    with pytest.raises(SoundError, match="floating point"):
        model.mel(torch.zeros(4, dtype=torch.int64))
    with pytest.raises(SoundError, match="must be \\(B, 1,"):
        model.latents(torch.zeros(1, 1, 7, 30))
    with pytest.raises(SoundError, match=f"{layout.rows}, W\\)"):
        model.decode_latents(torch.zeros(1, 3, layout.rows, 9))
    latents = model.latents(torch.zeros(4_000))
    with pytest.raises(SoundError, match="are not of a mel"):
        model.quantize(latents, model.mel(torch.zeros(40_000)))
    with pytest.raises(SoundError, match="frames=0"):
        model.decode_latents(latents, frames=0)


def test_a_network_in_training_mode_codes_nothing(model: LoadedModel, sound: Tensor) -> None:
    codes, latents = model.encode(sound, 16_000), model.latents(sound)
    before = [book.clone() for book in model.codec.network.codebooks]
    model.codec.network.train()
    try:
        for work in (
            lambda: model.encode(sound, 16_000),
            lambda: model.decode(codes),
            lambda: model.quantize(latents),
        ):
            with pytest.raises(CodesError, match="training mode"):
                work()
    finally:
        model.codec.network.eval()
    assert all(map(torch.equal, before, model.codec.network.codebooks))
