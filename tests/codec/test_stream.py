"""a sound coded in pieces equals the sound coded whole, whatever the pieces."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from distill.bundle.format import write_bundle
from distill.bundle.loaded import LoadedModel
from distill.bundle.loading import load_bundle
from distill.codec import stream
from distill.codec.codes import Codes
from distill.codec.stream import (
    add_silence,
    coded_columns,
    codes_of,
    cut_or_fill,
    mels_from,
    mels_of,
    silence_before,
    windows,
)
from distill.model.mel import LogMel
from distill.model.quantizer import CodeRangeError
from distill.model.vqvae import ConvVQVAE
from tests.helpers.tiny_bundle import CONFIG, SPECTROGRAM, fields_of, tiny_model

USUAL = [(0, 16), (1, 4), (2, 8), (4, 16), (1, 1), (3, 12)]
"""(residual units, stride)."""
OTHERS = [(units, stride) for units in (0, 1, 2, 4) for stride in (4, 8, 16)]
NETWORKS = [*USUAL, *(pytest.param(n, marks=pytest.mark.slow) for n in OTHERS if n not in USUAL)]
SAMPLES = (1, 2, 127, 128, 256, 257, 258, 511, 513, 1025, 3000, 9999, 20_001)


def cut(whole: Tensor, seed: int, dim: int = -1, *, longest: int = 0) -> list[Tensor]:
    """Into random pieces, some of them empty."""
    draw = random.Random(seed)
    sizes, left = [], whole.shape[dim]
    while left > 0:
        sizes.append(min(left, draw.choice([0, 1, 1 + draw.randrange(longest or 2 * left)])))
        left -= sizes[-1]
    return list(whole.split(sizes, dim))


def joined(chunks: Iterable[Tensor], dim: int = -1) -> Tensor:
    return torch.cat(list(chunks), dim)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def network(units: int, stride: int) -> ConvVQVAE:
    """With filled codebooks."""
    torch.manual_seed(0)
    model = ConvVQVAE(replace(CONFIG, residual_units=units, stride=stride))
    for _ in range(2):
        model(torch.randn(4, 1, 32, 64))
    return model.eval()


@pytest.fixture(scope="module", params=NETWORKS, ids=str)
def model(request: pytest.FixtureRequest) -> ConvVQVAE:
    return network(*request.param)


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces as small as the code can take, so that short sounds have many."""
    monkeypatch.setattr(stream, "FRAMES", 3)
    monkeypatch.setattr(stream, "COLUMNS", 6)


# -- windows ---------------------------------------------------------


def test_pieces_cover_a_stream_exactly_once_whatever_the_chunks() -> None:
    draw = random.Random(0)
    for trial in range(600):
        context, length = draw.randrange(1, 9), draw.randrange(1, 120)
        size = draw.randrange(context, 24)
        items = torch.arange(length)
        given = list(windows(cut(items, trial), size=size, context=context))
        begin = 0
        for window in given:
            end = begin + window.core
            assert window.left == min(begin, context)
            right = 0 if window.last else context
            assert window.items.tolist() == list(range(begin - window.left, end + right))
            begin = end
        assert begin == length
        assert [window.last for window in given] == [False] * (len(given) - 1) + [True]
        assert {window.core for window in given[:-1]} <= {size}
        assert 1 <= given[-1].core <= size + context
        again = list(windows(cut(items, trial + 1), size=size, context=context))
        assert [window.core for window in again] == [window.core for window in given]


@pytest.mark.parametrize(("size", "context"), [(1, 2), (3, 5), (4, 9), (8, 33)])
def test_pieces_shorter_than_their_context_cover_the_stream_too(size: int, context: int) -> None:
    """As with a mel window of 65,536 samples every 4."""
    for length in range(1, 100):
        pieces = windows(torch.arange(length).split(7), size=size, context=context)
        cores = [piece.items[piece.left : piece.left + piece.core] for piece in pieces]
        assert joined(cores).tolist() == list(range(length))


@pytest.mark.parametrize("dim", [0, 1, 2])
def test_a_stream_can_be_cut_along_any_axis(dim: int) -> None:
    whole = noise(11, 12, 13)
    pieces = windows(cut(whole, 1, dim), size=3, context=1, dim=dim)
    cores = [piece.items.narrow(dim, piece.left, piece.core) for piece in pieces]
    assert torch.equal(joined(cores, dim), whole)


def test_no_stream_no_pieces() -> None:
    assert list(windows([], size=3, context=1)) == []
    assert list(windows([torch.zeros(2, 0)], size=3, context=1)) == []


@pytest.mark.parametrize("total", [1, 4, 5, 9, 10, 11, 25])
def test_stream_is_cut_or_filled_up_to_the_length_asked_for(total: int) -> None:
    whole = torch.arange(20.0).reshape(2, 10)
    for seed in range(5):
        given = joined(cut_or_fill(cut(whole, seed), total))
        assert torch.equal(given, torch.nn.functional.pad(whole, (0, 15))[:, :total])


# -- mel -------------------------------------------------------------


@pytest.mark.parametrize("samples", SAMPLES)
def test_mel_in_pieces_is_that_of_the_whole(small_pieces: None, samples: int) -> None:
    spectrogram, whole = LogMel(SPECTROGRAM), 0.1 * noise(2, samples, seed=samples)
    expected = spectrogram(whole[:, None])
    for seed in range(3):
        given = joined(mels_of(cut(whole, seed), spectrogram))
        assert given.shape == expected.shape
        torch.testing.assert_close(given, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("n_fft", "hop_length"), [(512, 512), (512, 511), (500, 77), (64, 3)])
def test_mel_in_pieces_of_any_front_end(
    monkeypatch: pytest.MonkeyPatch, n_fft: int, hop_length: int
) -> None:
    monkeypatch.setattr(stream, "FRAMES", 12)
    config = replace(SPECTROGRAM, n_fft=n_fft, hop_length=hop_length, n_mels=4)
    spectrogram = LogMel(config)
    for samples in (1, n_fft, 12 * hop_length + n_fft // 2, 5000):
        whole = 0.1 * noise(1, samples)
        given = joined(mels_of(cut(whole, 0), spectrogram))
        torch.testing.assert_close(given, spectrogram(whole[:, None]), atol=1e-5, rtol=0)


# -- codes -----------------------------------------------------------


@pytest.mark.parametrize("frames", [1, 5, 64, 65, 333, 640])
def test_codes_in_pieces_are_those_of_the_whole(
    small_pieces: None, model: ConvVQVAE, frames: int
) -> None:
    whole = noise(1, 1, 32, frames, seed=frames)
    expected = model.encode(whole)
    given = joined(codes_of(cut(whole, frames), model), dim=2)
    assert torch.equal(given, expected)
    assert tuple(given.shape[1:3]) == model.grid_shape(32, frames)
    mel = model.decode(expected, height=32, width=expected.shape[2] * model.stride)
    decoded = joined(mels_from(cut(expected, frames, dim=2), model, height=32))
    assert decoded.shape == mel.shape
    torch.testing.assert_close(decoded, mel, atol=1e-5, rtol=0)


def test_a_shorter_context_would_change_codes_and_mel(
    small_pieces: None, model: ConvVQVAE, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test above would notice, and no column of context is there for nothing."""
    if not model.decoder_context:
        pytest.skip("no column reaches another")
    monkeypatch.setattr(model, "decoder_context", model.decoder_context - 1)
    monkeypatch.setattr(model, "encoder_context", max(0, model.encoder_context - 1))
    whole = noise(1, 1, 32, 2000)
    expected = model.encode(whole)
    mel = model.decode(expected, height=32, width=expected.shape[2] * model.stride)
    decoded = joined(mels_from([expected], model, height=32))
    assert (decoded - mel).abs().max() > 2e-5
    if model.config.residual_units == 1:  # of more columns, the last has hardly any weight
        assert not torch.equal(joined(codes_of([whole], model), dim=2), expected)


def test_some_levels_only_are_decoded_in_pieces(small_pieces: None, model: ConvVQVAE) -> None:
    coarse = model.encode(noise(1, 1, 32, 333))[..., :1]
    expected = model.decode(coarse, height=30, width=coarse.shape[2] * model.stride)
    given = joined(mels_from(cut(coarse, 1, dim=2), model, height=30))
    torch.testing.assert_close(given, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("index", [-1, 8, 1 << 40])
def test_impossible_code_in_a_late_piece_is_refused(small_pieces: None, index: int) -> None:
    model = tiny_model()
    codes = torch.zeros(1, 2, 50, 2, dtype=torch.int64)
    codes[0, 1, 47, 1] = index
    with pytest.raises(CodeRangeError):
        list(mels_from(codes.split(3, 2), model, height=32))


# -- the whole way ---------------------------------------------------


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    path = tmp_path_factory.mktemp("bundle") / "tiny.distillgan"
    write_bundle(path, fields_of(tiny_model()))
    return load_bundle(path)


def same(one: Codes, other: Codes) -> bool:
    return torch.equal(one.indices, other.indices) and replace(one, indices=other.indices) == other


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100])
def test_codes_do_not_depend_on_the_chunks_a_sound_comes_in(
    small_pieces: None, loaded: LoadedModel, rate_hz: int
) -> None:
    for samples in (1, 300, 20_000):
        whole = 0.1 * noise(2, samples, seed=samples)
        expected = loaded.encode(whole, rate_hz)
        for seed in range(3):
            chunks = [whole[:, :1], *cut(whole[:, 1:], seed)]
            assert same(loaded.encode_stream(chunks, rate_hz), expected)


@pytest.mark.parametrize("rate_hz", [16_000, 44_100])
def test_chunks_that_begin_empty_are_as_good_as_others(loaded: LoadedModel, rate_hz: int) -> None:
    whole = 0.1 * noise(1, 1)
    chunks = [whole[:, :0], whole, whole[:, :0]]
    assert same(loaded.encode_stream(chunks, rate_hz), loaded.encode(whole, rate_hz))


def test_pieces_of_any_size_give_the_same_codes(
    loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = 0.1 * noise(1, 40_000)
    expected = loaded.encode(whole, 16_000)
    for frames, columns in ((2, 3), (7, 4), (64, 11)):
        monkeypatch.setattr(stream, "FRAMES", frames)
        monkeypatch.setattr(stream, "COLUMNS", columns)
        assert same(loaded.encode(whole, 16_000), expected)


def test_each_channel_is_coded_as_if_it_were_alone(small_pieces: None, loaded: LoadedModel) -> None:
    whole = 0.1 * noise(3, 9_999)
    whole[1] *= 5  # a loud one beside them changes nothing
    codes = loaded.encode(whole, 44_100)
    mels = joined(loaded.codec.decoded_mels(codes))
    for channel in range(3):
        alone = loaded.encode(whole[channel], 44_100)
        assert torch.equal(alone.indices[0], codes.indices[channel])
        assert torch.equal(joined(loaded.codec.decoded_mels(alone))[0], mels[channel])


@pytest.mark.parametrize("samples", SAMPLES)
def test_sounds_are_coded_between_silence(loaded: LoadedModel, samples: int) -> None:
    """A column before it, at least one after it."""
    spectrogram, model = loaded.codec.spectrogram, loaded.codec.network
    whole = noise(2, samples)
    longer = joined(add_silence(cut(whole, samples), spectrogram, model))
    before = silence_before(spectrogram, model)
    assert before == model.stride * spectrogram.config.hop_length
    assert torch.equal(longer[:, before : before + samples], whole)
    assert not longer[:, :before].any()
    assert not longer[:, before + samples :].any()
    columns = coded_columns(samples, spectrogram, model)
    assert spectrogram.frames(longer.shape[1]) == columns * model.stride
    assert columns * model.stride - spectrogram.frames(samples) >= 2 * model.stride
    codes = loaded.encode(whole, 16_000)
    assert codes.indices.shape[1:] == (2, columns, 2)
    assert torch.equal(codes.indices[:1], model.encode(spectrogram(longer[:1, None])))


@pytest.mark.parametrize("samples", [1, 127, 128, 300, 5_000])
def test_mel_is_that_of_a_sound_between_silence(loaded: LoadedModel, samples: int) -> None:
    spectrogram, whole = loaded.codec.spectrogram, noise(2, samples)
    frames = spectrogram.frames(samples)
    mel = joined(loaded.codec.mels(cut(whole, 99), 16_000))
    around = torch.nn.functional.pad(whole, (128 * 8, 128 * 8))
    expected = spectrogram(around[:, None])[..., 8 : 8 + frames]
    torch.testing.assert_close(mel, expected, atol=1e-5, rtol=0)
