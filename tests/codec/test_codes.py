"""codes ↔ the `.distillcodes` file: what was saved comes back, or one line says why not.

`golden_v1.distillcodes` was made once by `python -m tests.helpers.golden_codes` and must stay
readable.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from distill.codec.codes import Codes
from distill.errors import CodesError
from tests.helpers.golden_codes import GOLDEN, SAMPLE_RATE_HZ, SAMPLES, golden_indices

SIZES = (2, 3, 8, 100, 256, 1000, 1024)
BITS = {2: 1, 3: 2, 8: 3, 100: 7, 256: 8, 1000: 10, 1024: 10}
SHAPES = ((1, 1, 1, 1), (1, 8, 47, 3), (2, 3, 5, 2), (7, 2, 3, 1), (1, 1, 2, 8))


def make(shape: tuple[int, ...] = (2, 3, 5, 2), size: int = 100, **changes: Any) -> Codes:
    """Random codes, the first and the last of the codebook among them."""
    generator = torch.Generator().manual_seed(len(shape) + size)
    indices = torch.randint(0, size, shape, generator=generator)
    indices.view(-1)[0], indices.view(-1)[-1] = 0, size - 1
    codes = Codes(indices, 4321, 44_100, size, "0123456789abcdef", "fe" * 32, "Tiny – 🥁")
    return replace(codes, **changes)


def saved(path: Path, codes: Codes) -> bytes:
    """The bytes of the file."""
    codes.save(path)
    return path.read_bytes()


def refusal(path: Path, data: bytes | None = None) -> str:
    """The one line with which a file is refused."""
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(CodesError) as caught:
        Codes.load(path)
    message = str(caught.value)
    assert message.startswith(f"{path.name}: ")
    assert "\n" not in message
    assert len(message) < 300
    return message


def parts(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Header and payload of a good file."""
    (length,) = struct.unpack_from("<I", data, 10)
    return json.loads(data[14 : 14 + length]), data[14 + length : -32]


def forged(header: Any, payload: bytes, *, version: int = 1, text: bytes | None = None) -> bytes:
    """A file as an attacker could write it: any header, with a checksum that fits."""
    text = json.dumps(header).encode() if text is None else text
    body = b"distcode" + struct.pack("<HI", version, len(text)) + text + payload
    return body + hashlib.sha256(body).digest()


# -- what was saved comes back ---------------------------------------


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_code_and_fact_comes_back(tmp_path: Path, shape: tuple[int, ...], size: int) -> None:
    codes, path = make(shape, size), tmp_path / "a.distillcodes"
    header, payload = parts(saved(path, codes))
    loaded = Codes.load(str(path))
    assert loaded.indices.dtype == torch.int64
    assert torch.equal(loaded.indices, codes.indices)
    assert replace(loaded, indices=codes.indices) == codes
    count = codes.indices.numel()
    assert len(payload) == -(-count * BITS[size] // 8)
    assert path.stat().st_size == 14 + len(json.dumps(header)) + len(payload) + 32
    assert os.listdir(tmp_path) == [path.name]


def test_layout_is_the_one_that_is_documented(tmp_path: Path) -> None:
    codes = make((2, 3, 5, 2), 100)
    data = saved(tmp_path / "a.distillcodes", codes)
    assert data[:10] == b"distcode\x01\x00"
    header, payload = parts(data)
    assert data[-32:] == hashlib.sha256(data[:-32]).digest()
    assert header.pop("distill_version")
    assert header == {
        "model_id": "0123456789abcdef",
        "model_checksum": "fe" * 32,
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
    assert saved(tmp_path / "a", turned) == saved(tmp_path / "b", codes)


@pytest.mark.parametrize("name", ["", "Küche 音 🥁", "line\nbreak\0", "\ud800", "long " * 20_000])
def test_a_model_of_any_name_gives_files_that_can_be_read(tmp_path: Path, name: str) -> None:
    make(model_name=name).save(tmp_path / "a.distillcodes")
    assert Codes.load(tmp_path / "a.distillcodes").model_name[:100] == name[:100]


def test_golden_file_stays_readable() -> None:
    codes = Codes.load(GOLDEN)
    assert torch.equal(codes.indices, golden_indices())
    assert (codes.samples, codes.sample_rate_hz) == (SAMPLES, SAMPLE_RATE_HZ)
    assert (codes.codebook_size, codes.levels) == (8, 2)
    assert codes.model_id == "0123456789abcdef"
    assert codes.model_checksum.startswith("df6516da")
    assert codes.model_name == "Tiny – 🥁"


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


# -- damaged ---------------------------------------------------------


def test_every_flipped_bit_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.distillcodes"
    data = saved(path, make((1, 2, 3, 2), 8))
    with path.open("r+b", buffering=0) as file:
        for place, byte in enumerate(data):
            for bit in range(8):
                file.seek(place)
                file.write(bytes([byte ^ 1 << bit]))
                refusal(path)
            file.seek(place)
            file.write(bytes([byte]))
    Codes.load(path)


def test_file_cut_anywhere_or_with_more_at_its_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.distillcodes"
    data = saved(path, make((1, 2, 3, 2), 8))
    for length in range(len(data)):
        assert "truncated" in refusal(path, data[:length]) or length < len(b"distcode")
    for more in (b"\0", b"x" * 31, b"x" * 32, data):
        assert "its checksum does not fit" in refusal(path, data + more)


@pytest.mark.parametrize("data", [b"", b"distcod", b"RIFF....WAVEfmt ", b"PK\3\4", b"\0" * 999])
def test_other_files_are_refused(tmp_path: Path, data: bytes) -> None:
    assert "not a code file of distill" in refusal(tmp_path / "a.distillcodes", data)


@pytest.mark.parametrize("version", [2, 17, 65_535])
def test_newer_version_is_refused_before_anything_else_is_looked_at(
    tmp_path: Path, version: int
) -> None:
    told = f"format version {version}, newer than this distill reads (1): please upgrade"
    path = tmp_path / "a.distillcodes"
    assert told in refusal(path, forged({}, b"", version=version))
    assert told in refusal(path, b"distcode" + struct.pack("<H", version) + b"?" * 99)


def test_missing_file_and_folder_are_told(tmp_path: Path) -> None:
    assert "cannot be read: No such file" in refusal(tmp_path / "no.distillcodes")
    assert "cannot be read: Is a directory" in refusal(tmp_path)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_file_without_permission_is_told(tmp_path: Path) -> None:
    make().save(tmp_path / "a.distillcodes")
    (tmp_path / "a.distillcodes").chmod(0)
    assert "cannot be read: Permission denied" in refusal(tmp_path / "a.distillcodes")


# -- hostile: everything fits but the content ------------------------


COUNTS = ("sample_rate_hz", "samples", "channels", "rows", "columns", "levels", "codebook_size")
TEXTS = ("model_id", "model_checksum", "model_name", "distill_version")
NO_COUNTS = (None, "5", 5.0, True, [5], {}, 0, -1, 1 << 48, 10**40, float("nan"))
NO_TEXTS = (None, 5, True, ["x"], {"x": 1})


def test_header_that_distill_would_not_write_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.distillcodes"
    header, payload = parts(saved(path, make()))
    path.write_bytes(forged(header, payload))
    Codes.load(path)  # what is below is refused for what is changed, not for how it is forged
    for key in (*COUNTS, *TEXTS):
        lacking = {other: value for other, value in header.items() if other != key}
        assert f"no valid {key}" in refusal(path, forged(lacking, payload))
        for value in NO_COUNTS if key in COUNTS else NO_TEXTS:
            assert f"no valid {key}" in refusal(path, forged({**header, key: value}, payload))


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b"[" * 60_000, b'{"rows": ' + b"9" * 5000],
    ids=range(8),
)
def test_header_that_is_no_object_is_refused(tmp_path: Path, text: bytes) -> None:
    assert "its header" in refusal(tmp_path / "a.distillcodes", forged(None, b"", text=text))


@pytest.mark.parametrize("length", [65_537, 1 << 20, (1 << 32) - 1])
def test_header_longer_than_any_is_refused(tmp_path: Path, length: int) -> None:
    body = b"distcode" + struct.pack("<HI", 1, length) + b" " * min(length, 70_000)
    data = body + hashlib.sha256(body).digest()
    assert "its header" in refusal(tmp_path / "a.distillcodes", data)


def test_version_zero_is_refused(tmp_path: Path) -> None:
    header, payload = parts(saved(tmp_path / "b", make()))
    data = forged(header, payload, version=0)
    assert "its header is not one" in refusal(tmp_path / "a.distillcodes", data)


@pytest.mark.parametrize(
    "sizes",
    [
        {"columns": 1 << 40},
        {"columns": 1 << 32, "rows": 1 << 32, "channels": 1 << 32, "levels": 1 << 32},
        {"columns": (1 << 48) - 1, "rows": (1 << 48) - 1, "levels": (1 << 48) - 1},
        {"columns": 1 << 30, "codebook_size": 2},
        {"codebook_size": (1 << 48) - 1},
        {"columns": 4},
        {"columns": 6},
    ],
    ids=str,
)
def test_sizes_that_do_not_fit_the_file_are_refused_before_memory_is_taken(
    tmp_path: Path, sizes: dict[str, int]
) -> None:
    path = tmp_path / "a.distillcodes"
    header, payload = parts(saved(path, make()))
    data = forged({**header, **sizes}, payload)
    path.write_bytes(data)
    tracemalloc.start()
    try:
        told = refusal(path)
        taken = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "fewer or more codes than its header says" in told
    assert taken < 1 << 20


def test_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "a.distillcodes"
    with path.open("wb") as file:
        file.write(b"distcode\x01\x00")
        file.truncate((1 << 30) + 1)  # takes no room on the disk
    tracemalloc.start()
    try:
        assert "larger than any code file" in refusal(path)
        taken = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert taken < 1 << 20


@pytest.mark.parametrize("size", [3, 100, 1000])
def test_codes_outside_the_codebook_are_refused(tmp_path: Path, size: int) -> None:
    """Sizes that are no power of two leave room for them in their bits."""
    header, _ = parts(saved(tmp_path / "b", make((1, 1, 1, 1), size)))
    for code in range(size - 1, 1 << BITS[size]):
        payload = (code << -BITS[size] % 8).to_bytes(-(-BITS[size] // 8), "big")
        path = tmp_path / "a.distillcodes"
        path.write_bytes(forged(header, payload))
        if code < size:
            assert Codes.load(path).indices.item() == code
        else:
            assert f"codes outside its codebook of {size}" in refusal(path)


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
    with pytest.raises(CodesError, match="a.distillcodes: is there already; overwrite=True"):
        make().save(path)
    assert path.read_bytes() == b"precious"
    make().save(path, overwrite=True)
    loaded = Codes.load(path)
    assert torch.equal(loaded.indices, make().indices)
    assert [file.name for file in tmp_path.iterdir()] == ["a.distillcodes"]
