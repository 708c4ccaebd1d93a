"""codes ↔ the `.distillcodes` file: what was saved comes back, as small as it is said to be.

`golden_v1.distillcodes` to `golden_v4.distillcodes` were made by
`python -m tests.helpers.golden_codes`, and stay readable.
"""

from __future__ import annotations

import hashlib
import json
import os
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from distill.bundle.loading import load_bundle
from distill.codec.codes import Codes
from distill.codec.facts import ChannelFacts
from distill.errors import CodesError
from tests.helpers.code_files import BITS, make, parts, save_codes
from tests.helpers.golden_codes import (
    FACTS,
    GOLDEN,
    GOLDEN_2,
    GOLDEN_3,
    GOLDEN_4,
    GOLDEN_BUNDLE,
    GOLDEN_LOW_BUNDLE,
    SAMPLE_RATE_HZ,
    SAMPLES,
    golden_indices,
    golden_low_indices,
)

SIZES = (2, 3, 8, 100, 256, 1000, 1024)
SHAPES = ((1, 1, 1, 1), (1, 8, 47, 3), (2, 3, 5, 2), (7, 2, 3, 1), (1, 1, 2, 8))


# -- what was saved comes back ---------------------------------------


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_code_and_fact_comes_back(tmp_path: Path, shape: tuple[int, ...], size: int) -> None:
    codes, path = make(shape, size), tmp_path / "a.distillcodes"
    header, payload = parts(save_codes(path, codes))
    loaded = Codes.load(str(path))
    assert loaded.indices.dtype == torch.int64
    assert torch.equal(loaded.indices, codes.indices)
    assert replace(loaded, indices=codes.indices) == codes
    count = codes.indices.numel()
    assert len(payload) == -(-count * BITS[size] // 8)
    assert path.stat().st_size == 14 + len(json.dumps(header)) + len(payload) + 32
    assert os.listdir(tmp_path) == [path.name]


def test_facts_come_back_and_count(tmp_path: Path) -> None:
    plain, facts = make((3, 3, 5, 2), 100), (*FACTS, ChannelFacts(end=7))
    codes, path = replace(plain, facts=facts), tmp_path / "a.distillcodes"
    header, payload = parts(save_codes(path, codes))
    assert Codes.load(path).facts == facts
    assert torch.equal(Codes.load(path).indices, plain.indices)
    assert (header["channels"], codes.channels, plain.channels) == (4, 4, 3)
    assert len(payload) == -(-codes.bits // 8)
    assert codes.bits - plain.bits == 8 * (2 + 5 + 7 + 2)


def test_layout_is_the_one_that_is_documented(tmp_path: Path) -> None:
    codes = make((2, 3, 5, 2), 100)
    data = save_codes(tmp_path / "a.distillcodes", codes)
    assert data[:10] == b"distcode\x01\x00"
    header, payload = parts(data)
    assert data[-32:] == hashlib.sha256(data[:-32]).digest()
    assert header.pop("distill_version")
    assert header == {
        "model_id": "0123456789abcdef",
        "codec_digest": "fe" * 32,
        "model_name": "Tiny – 🥁",
        "sample_rate_hz": 44_100,
        "samples": 4321,
        "channels": 2,
        "rows": 3,
        "columns": 5,
        "levels": 2,
        "codebook_size": 100,
    }
    bits = f"{int.from_bytes(payload, 'big'):0{8 * len(payload)}b}"
    expected = [
        int(codes.indices[channel, row, column, level])
        for column in range(5)
        for channel in range(2)
        for row in range(3)
        for level in range(2)
    ]
    read = [int(bits[7 * place : 7 * place + 7], 2) for place in range(60)]
    assert read == expected
    assert set(bits[7 * 60 :]) == {"0"}


def test_codes_in_any_memory_order_are_saved_alike(tmp_path: Path) -> None:
    codes = make((2, 3, 5, 2))
    order = codes.indices.permute(3, 2, 1, 0).contiguous().permute(3, 2, 1, 0)
    turned = replace(codes, indices=order)
    assert not turned.indices.is_contiguous()
    assert save_codes(tmp_path / "a", turned) == save_codes(tmp_path / "b", codes)


@pytest.mark.parametrize("name", ["", "Küche 音 🥁", "line\nbreak\0", "\ud800", "long " * 20_000])
def test_a_model_of_any_name_gives_files_that_can_be_read(tmp_path: Path, name: str) -> None:
    make(model_name=name).save(tmp_path / "a.distillcodes")
    assert Codes.load(tmp_path / "a.distillcodes").model_name[:100] == name[:100]


@pytest.mark.parametrize(("path", "facts"), [(GOLDEN, ()), (GOLDEN_2, FACTS)])
def test_golden_files_stay_readable(path: Path, facts: tuple[ChannelFacts, ...]) -> None:
    codes = Codes.load(path)
    assert codes.facts == facts
    assert torch.equal(codes.indices, golden_indices())
    assert (codes.samples, codes.sample_rate_hz) == (SAMPLES, SAMPLE_RATE_HZ)
    assert (codes.codebook_size, codes.levels) == (8, 2)
    assert codes.model_id == "0123456789abcdef"
    assert codes.codec_digest == load_bundle(GOLDEN_BUNDLE).codec.digest
    assert codes.model_name == "Tiny – 🥁"


@pytest.mark.parametrize(("path", "facts"), [(GOLDEN_3, ()), (GOLDEN_4, FACTS)])
def test_golden_files_with_low_levels_stay_readable(
    path: Path, facts: tuple[ChannelFacts, ...]
) -> None:
    codes = Codes.load(path)
    assert codes.facts == facts
    assert torch.equal(codes.indices, golden_low_indices())
    assert (codes.samples, codes.sample_rate_hz) == (SAMPLES, SAMPLE_RATE_HZ)
    assert (codes.codebook_size, codes.levels) == (8, 2)
    assert (codes.low_codebook_size, codes.low_levels) == (5, 2)
    assert codes.codec_digest == load_bundle(GOLDEN_LOW_BUNDLE).codec.digest


# -- what a sound takes ----------------------------------------------


def test_bitrate_is_that_of_the_codes_over_the_sound() -> None:
    codes = make((2, 8, 94, 3), 100, samples=88_200)
    assert codes.duration_s == 2.0
    assert codes.bits == 2 * 8 * 94 * 3 * 7
    assert codes.bitrate_kbps == pytest.approx(2 * 8 * 94 * 3 * 7 / 2.0 / 1000)
    assert make((1, 8, 94, 3), 1024).bits == 8 * 94 * 3 * 10
    assert make((1, 8, 94, 3), 1025).bits == 8 * 94 * 3 * 11


def test_first_levels_are_the_same_sound_at_a_lower_bitrate(tmp_path: Path) -> None:
    codes = make((1, 4, 6, 3))
    assert codes.levels == 3
    assert torch.equal(codes.first_levels(3).indices, codes.indices)
    coarse = codes.first_levels(1)
    assert torch.equal(coarse.indices, codes.indices[..., :1])
    assert coarse.bits * 3 == codes.bits
    assert replace(coarse, indices=codes.indices) == codes
    coarse.save(tmp_path / "a.distillcodes")
    assert torch.equal(Codes.load(tmp_path / "a.distillcodes").indices, coarse.indices)


@pytest.mark.parametrize("levels", [-1, 0, 4])
def test_levels_that_are_not_there_are_refused(levels: int) -> None:
    with pytest.raises(CodesError, match=f"levels={levels}: there are 3"):
        make((1, 4, 6, 3)).first_levels(levels)


@pytest.mark.parametrize("size", [2, 100, 1000])
def test_codes_longer_than_a_block_take_memory_for_themselves_only(
    tmp_path: Path, size: int
) -> None:
    columns = 3 * (1 << 16) + 5
    indices = torch.randint(0, size, (1, 1, columns, 2))
    path = tmp_path / "a.distillcodes"
    tracemalloc.start()
    try:
        Codes(indices, columns, 16_000, size, "0" * 32, "0" * 64).save(path)
        read = Codes.load(path)
        taken = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert torch.equal(read.indices, indices)
    assert taken < 3.5 * indices.nbytes


def test_codes_are_described_in_one_line() -> None:
    text = repr(make(model_name="kit\n2"))
    assert "\n" not in text
    for part in ("channel", "Hz", "level", "kbit/s", r"'kit\n2'"):
        assert part in text


def test_codes_are_saved_over_a_file_only_when_asked_to(tmp_path: Path) -> None:
    path = tmp_path / "a.distillcodes"
    path.write_bytes(b"precious")
    with pytest.raises(CodesError, match="already exists; to replace it: overwrite=True"):
        make().save(path)
    assert path.read_bytes() == b"precious"
    make().save(path, overwrite=True)
    loaded = Codes.load(path)
    assert torch.equal(loaded.indices, make().indices)
    assert [file.name for file in tmp_path.iterdir()] == ["a.distillcodes"]
