"""a loaded model: any waveform → codes → a waveform as long, and no codes but its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import distill
from distill.audio.resample import samples_at
from distill.bundle.format import write_bundle
from distill.bundle.loaded import LoadedModel
from distill.bundle.loading import load_bundle
from distill.codec.codes import Codes
from distill.errors import CodesError, SoundError
from distill.model.mel import LogMel
from distill.model.quantizer import CodeRangeError
from distill.vocoder.vocoder import default_vocoder
from tests.helpers.golden_codes import (
    GOLDEN,
    GOLDEN_2,
    GOLDEN_3,
    GOLDEN_4,
    GOLDEN_BUNDLE,
    GOLDEN_LOW_BUNDLE,
)
from tests.helpers.tiny_bundle import CONFIG, SPECTROGRAM, fields_of, tiny_model

RATES_HZ = (8_000, 16_000, 22_050, 44_101, 192_000)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    path = tmp_path_factory.mktemp("bundle") / "tiny.distillgan"
    write_bundle(path, fields_of(tiny_model()))
    return distill.load(path)


def other_model(path: Path, *, seed: int, **metadata: Any) -> LoadedModel:
    """With other weights, and whatever else is told of it."""
    fields = fields_of(tiny_model(seed))
    write_bundle(path, {**fields, "metadata": {**fields["metadata"], **metadata}})
    return load_bundle(path)


def noise(channels: int, samples: int) -> Tensor:
    generator = torch.Generator().manual_seed(samples)
    return 0.1 * torch.randn(channels, samples, generator=generator)


@pytest.fixture(scope="module")
def sound() -> Tensor:
    """(2, T)."""
    return noise(2, 5_000)


def same(one: Codes, other: Codes) -> bool:
    return torch.equal(one.indices, other.indices) and replace(one, indices=other.indices) == other


# -- waveform → codes ------------------------------------------------


def test_codes_know_the_sound_and_the_model(model: LoadedModel, sound: Tensor) -> None:
    codes = model.encode(sound, 44_100)
    assert (codes.samples, codes.sample_rate_hz) == (5_000, 44_100)
    assert (codes.levels, codes.codebook_size) == (2, 8)
    assert codes.indices.shape[:2] == (2, 2)
    assert codes.indices.dtype == torch.int64
    assert 0 <= codes.indices.min() <= codes.indices.max() < 8
    assert codes.model_id == "0123456789abcdef"
    assert codes.codec_digest == model.codec.digest
    assert codes.model_name == "Tiny – 🥁"


def test_a_waveform_may_come_in_any_form(model: LoadedModel, sound: Tensor) -> None:
    expected = model.encode(sound, 44_100)
    array = sound.numpy()
    for given in (array, array.astype(np.float64), sound.double(), sound.clone().requires_grad_()):
        assert same(model.encode(given, 44_100), expected)
    interleaved = np.ascontiguousarray(array.T).T  # as soundfile reads it
    assert same(model.encode(interleaved, 44_100), expected)
    one = model.encode(sound[:1], 44_100)
    assert same(model.encode(sound[0], 44_100), one)
    assert same(model.encode(array[0], 44_100), one)


def test_a_waveform_turned_round_is_taken_too(model: LoadedModel, sound: Tensor) -> None:
    expected = model.encode(sound.flip(1), 16_000)
    assert same(model.encode(sound.numpy()[:, ::-1], 16_000), expected)


@pytest.mark.parametrize("rate_hz", [0, -44_100])
def test_impossible_sample_rate_is_refused(model: LoadedModel, sound: Tensor, rate_hz: int) -> None:
    with pytest.raises((SoundError, ValueError), match="(?i)rate"):
        model.encode(sound, rate_hz)


@pytest.mark.parametrize("levels", [-1, 0, 3])
def test_levels_that_the_model_does_not_have_are_refused(
    model: LoadedModel, sound: Tensor, levels: int
) -> None:
    told = f"levels={levels}: this model has 2"
    with pytest.raises(CodesError, match=told):
        model.encode(sound, 16_000, levels=levels)
    with pytest.raises(CodesError, match=told):
        model.codec.check_levels(levels)
    with pytest.raises(CodesError, match=f"levels={levels}: there are 2"):
        model.decode(model.encode(sound, 16_000), levels=levels)
    with pytest.raises(CodesError, match="levels=2: there are 1"):
        model.decode(model.encode(sound, 16_000, levels=1), levels=2)


def test_first_levels_are_those_of_all_levels(model: LoadedModel, sound: Tensor) -> None:
    whole, coarse = model.encode(sound, 16_000), model.encode(sound, 16_000, levels=1)
    assert torch.equal(coarse.indices, whole.indices[..., :1])
    assert coarse.facts == whole.facts
    facts = 2 * coarse.bits - whole.bits
    assert 16 <= facts <= 64
    assert torch.equal(model.decode(whole, levels=1), model.decode(coarse))
    assert not torch.equal(model.decode(whole), model.decode(coarse))


# -- codes → waveform ------------------------------------------------


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("samples", [1, 2, 255, 5_001])
def test_decoded_sound_is_as_long_as_the_original(
    model: LoadedModel, samples: int, rate_hz: int
) -> None:
    channels = 1 + samples % 2
    codes = model.encode(noise(channels, samples), rate_hz)
    assert codes.samples == samples
    given = model.decode(codes)
    assert given.shape == (channels, samples)
    assert torch.equal(torch.cat(list(model.decode_stream(codes)), dim=1), given)
    own = model.decode(codes, sample_rate_hz=model.sample_rate_hz)
    assert own.shape == (channels, samples_at(samples, rate_hz, 16_000))
    for waveform in (given, own):
        assert waveform.dtype == torch.float32
        assert torch.isfinite(waveform).all()
    assert own.abs().max() <= 1


@pytest.mark.parametrize("hop_length", [129, 200, 256])
def test_decoded_sound_is_as_long_with_windows_that_hardly_overlap(
    model: LoadedModel, hop_length: int
) -> None:
    wide = replace(SPECTROGRAM, hop_length=hop_length)
    spectrogram = LogMel(wide)
    codec = replace(model.codec, spectrogram=spectrogram)
    other = replace(model, codec=codec, vocoder=default_vocoder(spectrogram))
    for samples in (1, 511, 512, 3_071, 5_000, 5_119):
        assert other.decode(other.encode(noise(1, samples), 16_000)).shape == (1, samples)


def test_decoding_is_repeatable_under_a_seed(model: LoadedModel, sound: Tensor) -> None:
    codes = model.encode(sound, 16_000)
    one = model.decode(codes)
    torch.manual_seed(99)
    assert torch.equal(model.decode(codes), one)
    assert torch.equal(model.decode(codes, seed=0), one)
    assert not torch.equal(model.decode(codes, seed=1), one)


def test_saved_codes_decode_to_the_same_sound(
    model: LoadedModel, sound: Tensor, tmp_path: Path
) -> None:
    codes = model.encode(sound, 22_050)
    codes.save(tmp_path / "a.distillcodes")
    loaded = Codes.load(tmp_path / "a.distillcodes")
    assert same(loaded, codes)
    assert torch.equal(model.decode(loaded), model.decode(codes))


@pytest.mark.parametrize("rate_hz", [44_100.0, np.int64(44_100), np.float32(16_000)], ids=repr)
def test_codes_at_a_rate_of_another_number_type_can_be_saved_and_read(
    model: LoadedModel, sound: Tensor, tmp_path: Path, rate_hz: Any
) -> None:
    """As other libraries give rates."""
    model.encode(sound, rate_hz).save(tmp_path / "a.distillcodes")
    loaded = Codes.load(tmp_path / "a.distillcodes")
    assert loaded.sample_rate_hz == rate_hz
    assert model.decode(loaded).shape == (2, 5_000)
    own = model.decode(loaded, sample_rate_hz=16_000)
    assert own.shape == (2, samples_at(5_000, int(rate_hz), 16_000))


def test_decoded_mel_is_that_of_the_network(model: LoadedModel, sound: Tensor) -> None:
    codes = model.encode(sound, 16_000)
    frames = model.codec.spectrogram.frames(5_000)
    for levels in (1, 2):
        mel = torch.cat(list(model.codec.decoded_mels(codes, levels=levels)), dim=-1)
        first = model.codec.network.stride
        whole = model.codec.network.decode(
            codes.indices[..., :levels], height=32, width=codes.indices.shape[2] * first
        )
        assert mel.shape == (2, 1, 32, frames)
        torch.testing.assert_close(mel, whole[..., first : first + frames], atol=1e-5, rtol=0)


def test_golden_codes_stay_decodable_by_the_golden_model() -> None:
    golden, codes = load_bundle(GOLDEN_BUNDLE), Codes.load(GOLDEN)
    mel = torch.cat(list(golden.codec.decoded_mels(codes)), dim=-1)
    assert mel.shape == (2, 1, 32, 57)
    assert mel.mean(dim=(1, 2, 3)).tolist() == pytest.approx([-0.021405, -0.021721], abs=1e-5)
    assert golden.decode(codes).shape == (2, 20_000)
    assert golden.decode(codes, sample_rate_hz=golden.sample_rate_hz).shape == (2, 7_256)
    again = Codes.load(GOLDEN_2)
    assert torch.equal(again.indices, codes.indices)
    assert golden.decode(again).shape == (3, 20_000)


def test_golden_codes_with_low_levels_stay_decodable_by_the_golden_model() -> None:
    golden, codes = load_bundle(GOLDEN_LOW_BUNDLE), Codes.load(GOLDEN_3)
    assert golden.vocoder_state is not None
    assert golden.vocoder_state.type == "phase_gradient"
    assert list(golden.health) == ["level_0", "level_1", "low_0", "low_1"]
    mel = torch.cat(list(golden.codec.decoded_mels(codes)), dim=-1)
    assert mel.shape == (2, 1, 64, 57)
    assert mel.mean(dim=(1, 2, 3)).tolist() == pytest.approx([-0.016814, -0.025856], abs=1e-5)
    assert golden.decode(codes).shape == (2, 20_000)
    assert golden.decode(Codes.load(GOLDEN_4)).shape == (3, 20_000)


def test_bitrate_is_what_long_sounds_take(model: LoadedModel) -> None:
    assert model.codec.bitrate_kbps() == pytest.approx(2 * model.codec.bitrate_kbps(1), abs=1e-3)
    codes = model.encode(noise(1, 320_000), 16_000)
    assert codes.bitrate_kbps == pytest.approx(model.codec.bitrate_kbps(), rel=0.03)
    assert CONFIG.codebook_size == 8
    assert model.codec.bitrate_kbps() == pytest.approx(
        16_000 / 128 / 16 * 2 * 2 * 3 / 1000, abs=1e-3
    )


def test_codes_of_another_model_are_refused_by_name(
    model: LoadedModel, sound: Tensor, tmp_path: Path
) -> None:
    other = other_model(tmp_path / "b.distillgan", seed=1, model_id="feed" * 4, name="Other")
    with pytest.raises(CodesError) as caught:
        model.decode(other.encode(sound, 16_000))
    told = str(caught.value)
    assert "made by another model (Other, id feedfeed" in told
    assert "not by Tiny – 🥁 (id 01234567" in told
    assert model.codec.digest[:8] in told
    assert other.codec.digest[:8] in told


def test_codes_of_another_state_of_the_same_model_are_refused(
    model: LoadedModel, sound: Tensor, tmp_path: Path
) -> None:
    further = other_model(tmp_path / "b.distillgan", seed=1)
    with pytest.raises(CodesError, match="made by another state of this model"):
        model.decode(further.encode(sound, 16_000))


@pytest.mark.parametrize(
    "change",
    [
        lambda codes: {"indices": codes.indices[:, :, :-1]},
        lambda codes: {"indices": codes.indices[:, :1]},
        lambda codes: {"indices": codes.indices.repeat(1, 1, 1, 2)},
        lambda codes: {"samples": 500_000},
        lambda codes: {"samples": 1},
        lambda codes: {"samples": (1 << 48) - 1},
        lambda codes: {"sample_rate_hz": 1_000},
        lambda codes: {"codebook_size": 16},
    ],
    ids=["columns", "rows", "levels", "longer", "shorter", "endless", "rate", "codebook"],
)
def test_codes_that_were_tampered_with_are_refused(
    model: LoadedModel, sound: Tensor, change: Any
) -> None:
    codes = model.encode(sound, 16_000)
    tampered = replace(codes, **change(codes))
    with pytest.raises(CodesError, match="does not fit the model that it was made with"):
        model.decode(tampered)
    with pytest.raises(CodesError, match="does not fit"):
        next(model.decode_stream(tampered))


@pytest.mark.parametrize("index", [-1, 8, 1 << 40])
def test_impossible_codes_do_not_reach_the_network(
    model: LoadedModel, sound: Tensor, index: int
) -> None:
    codes = model.encode(sound, 16_000)
    indices = codes.indices.clone()
    indices[1, 1, -1, -1] = index
    with pytest.raises((CodesError, CodeRangeError)):
        model.decode(replace(codes, indices=indices))
