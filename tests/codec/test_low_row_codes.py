"""Codes of levels that only the low rows have: in files, in streams, and left out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from distill.bundle.format import write_bundle
from distill.bundle.loaded import LoadedModel
from distill.bundle.loading import load_bundle
from distill.codec import stream
from distill.codec.codes import Codes
from distill.codec.facts import ChannelFacts
from distill.errors import CodesError
from distill.model.held import held_levels
from distill.model.layout import NO_CODE, CodeLayout
from tests.helpers.code_files import BITS, forge, parts, refusal, save_codes
from tests.helpers.low_rows import low_fields, low_model

SHAPES = ((1, 1, 1), (2, 5, 9), (1, 16, 47), (3, 2, 4_001))
SIZES = ((256, 64), (100, 3), (2, 1000), (8, 8))
RATE_HZ = 16_000


def make(shape: tuple[int, int, int], sizes: tuple[int, int], levels: int = 2) -> Codes:
    """Random codes (C, H, W, L), each of its own codebook, with three levels for the low rows."""
    channels, rows, columns = shape
    layout = CodeLayout(rows, levels, sizes[0], 3, sizes[1])
    generator = torch.Generator().manual_seed(sum(shape))
    books = [torch.randint(size, shape, generator=generator) for size in layout.sizes]
    indices = torch.stack(books, dim=-1)
    indices = torch.where(held_levels(layout)[:, None], indices, NO_CODE)
    return Codes(
        indices,
        4321,
        44_100,
        sizes[0],
        "0123456789abcdef",
        "fe" * 32,
        "Tiny",
        low_levels=3,
        low_codebook_size=sizes[1],
    )


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    path = tmp_path_factory.mktemp("model") / "low.distillgan"
    write_bundle(path, low_fields())
    return load_bundle(path)


def noise(samples: int = 9_000) -> torch.Tensor:
    return 0.2 * torch.randn(2, samples, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("facts", [False, True])
def test_every_code_comes_back_and_none_takes_room_that_is_not_there(
    tmp_path: Path, shape: tuple[int, int, int], sizes: tuple[int, int], facts: bool
) -> None:
    codes = make(shape, sizes)
    if facts:
        codes = replace(codes, facts=(ChannelFacts(),) * shape[0])
    path = tmp_path / "a.distillcodes"
    header, payload = parts(save_codes(path, codes))
    assert (header["levels"], header["low_levels"]) == (2, 3)
    loaded = Codes.load(path)
    assert torch.equal(loaded.indices, codes.indices)
    assert replace(loaded, indices=codes.indices) == codes
    rows, low = shape[1], -(-shape[1] // 4)
    a_column = 2 * rows * BITS[sizes[0]] + 3 * low * {**BITS, 64: 6}[sizes[1]]
    count = -(-shape[0] * shape[2] * a_column // 8)
    assert count <= len(payload) <= count + 8 * shape[0] * facts
    assert -(-codes.bits // 8) == len(payload)


def test_first_levels_leave_the_low_ones_out_only_if_they_are_fewer(tmp_path: Path) -> None:
    codes = make((1, 8, 5), (16, 4))
    assert codes.levels == 2
    assert codes.first_levels(2) == codes
    one = codes.first_levels(1)
    assert torch.equal(one.indices, codes.indices[..., :1])
    assert (one.levels, one.low_levels, one.low_codebook_size) == (1, 0, 0)
    assert one.bits < codes.bits
    save_codes(path := tmp_path / "one.distillcodes", one)
    assert torch.equal(Codes.load(path).indices, one.indices)
    with pytest.raises(CodesError, match="there are 2"):
        codes.first_levels(3)


def test_it_is_said_in_words() -> None:
    assert "2 levels of 16 codes and 3 of 4 in the low rows, " in repr(make((1, 8, 5), (16, 4)))
    assert "1 level of 16 codes, " in repr(make((1, 8, 5), (16, 4)).first_levels(1))


@pytest.mark.parametrize(
    "change",
    [
        {"low_levels": 2},
        {"low_levels": 4},
        {"low_levels": 0},
        {"low_levels": 1 << 40},
        {"low_levels": -1},
        {"low_codebook_size": 0},
        {"low_codebook_size": 1 << 40},
        {"low_codebook_size": "4"},
        {"levels": 1},
        {"rows": 4},
        {"rows": 1 << 40},
        {"columns": 4},
    ],
)
def test_headers_that_do_not_fit_the_codes_are_refused(
    tmp_path: Path, change: dict[str, object]
) -> None:
    header, payload = parts(save_codes(tmp_path / "a.distillcodes", make((1, 8, 5), (16, 4))))
    said = refusal(tmp_path / "b.distillcodes", forge({**header, **change}, payload, version=3))
    assert "header" in said


def test_codes_outside_their_codebook_are_refused(tmp_path: Path) -> None:
    codes = make((1, 8, 5), (16, 3))
    for place, code in (((0, 0, 0, 2), 3), ((0, 5, 0, 2), 0), ((0, 0, 0, 4), NO_CODE)):
        spoilt = codes.indices.clone()
        spoilt[place] = code
        with pytest.raises(CodesError, match="outside the codebook"):
            replace(codes, indices=spoilt).save(tmp_path / "c.distillcodes")
    header, payload = parts(save_codes(tmp_path / "a.distillcodes", codes))
    ones = forge(header, b"\xff" * (len(payload) - 1) + payload[-1:], version=3)
    assert "outside its codebook of 16 and 3" in refusal(tmp_path / "b.distillcodes", ones)


def test_a_low_level_in_an_older_format_is_refused(tmp_path: Path) -> None:
    header, payload = parts(save_codes(tmp_path / "a.distillcodes", make((1, 8, 5), (16, 4))))
    assert "header" in refusal(tmp_path / "b.distillcodes", forge(header, payload, version=1))


def test_a_sound_through_a_file_is_the_sound(model: LoadedModel, tmp_path: Path) -> None:
    codes = model.encode(noise(60_000), RATE_HZ)
    assert codes.layout == model.codec.layout
    seconds = codes.indices.shape[2] * model.codec.column_samples / RATE_HZ  # silence too
    kbps = (codes.bits / seconds) / 1000
    assert kbps == pytest.approx(2 * model.codec.bitrate_kbps(), rel=0.05)
    codes.save(path := tmp_path / "a.distillcodes")
    assert torch.equal(model.decode(Codes.load(path)), model.decode(codes))


def test_fewer_levels_are_asked_for_when_encoding_or_decoding(model: LoadedModel) -> None:
    codes = model.encode(noise(), RATE_HZ)
    assert model.encode(noise(), RATE_HZ, levels=2).layout == codes.layout
    one = model.encode(noise(), RATE_HZ, levels=1)
    assert one.low_levels == 0
    assert torch.equal(one.indices, codes.first_levels(1).indices)
    assert torch.equal(model.decode(one), model.decode(codes, levels=1))
    assert model.codec.bitrate_kbps(1) < 0.5 * model.codec.bitrate_kbps()
    with pytest.raises(CodesError, match="this model has 2"):
        model.encode(noise(), RATE_HZ, levels=3)


def test_codes_without_their_low_levels_do_not_fit(model: LoadedModel) -> None:
    codes = model.encode(noise(), RATE_HZ)
    stripped = replace(codes, indices=codes.indices[..., :2], low_levels=0, low_codebook_size=0)
    with pytest.raises(CodesError, match="does not fit the model"):
        model.decode(stripped)


def test_pieces_have_the_codes_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    network = low_model()
    mel = torch.randn(2, 1, 64, 16 * 23, generator=torch.Generator().manual_seed(1))
    whole = network.encode(mel)
    monkeypatch.setattr(stream, "COLUMNS", 6)
    codes = torch.cat(list(stream.codes_of(mel.split(37, dim=-1), network)), dim=2)
    assert torch.equal(codes, whole)
    decoded = torch.cat(list(stream.mels_from(codes.split(5, dim=2), network, height=64)), dim=-1)
    again = network.decode(whole, height=64, width=16 * 23)
    torch.testing.assert_close(decoded, again, rtol=1e-5, atol=1e-5)
