"""a `.distillcodes` file that is damaged, foreign or hostile → one line that says why not."""

from __future__ import annotations

import hashlib
import os
import struct
import tracemalloc
from pathlib import Path

import pytest
import torch

from distill.codec.codes import Codes
from tests.helpers.code_files import BITS, forge, make, parts, refusal, save_codes

# -- damaged ---------------------------------------------------------


def test_every_flipped_bit_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.distillcodes"
    data = save_codes(path, make((1, 2, 3, 2), 8))
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
    data = save_codes(path, make((1, 2, 3, 2), 8))
    for length in range(len(data)):
        assert "truncated" in refusal(path, data[:length]) or length < len(b"distcode")
    for more in (b"\0", b"x" * 31, b"x" * 32, data):
        assert "its checksum does not match" in refusal(path, data + more)


@pytest.mark.parametrize("data", [b"", b"distcod", b"RIFF....WAVEfmt ", b"PK\3\4", b"\0" * 999])
def test_other_files_are_refused(tmp_path: Path, data: bytes) -> None:
    assert "not a code file of distill" in refusal(tmp_path / "a.distillcodes", data)


@pytest.mark.parametrize("version", [5, 17, 65_535])
def test_newer_version_is_refused_before_anything_else_is_looked_at(
    tmp_path: Path, version: int
) -> None:
    told = f"format version {version}, newer than this distill reads (4): please upgrade"
    path = tmp_path / "a.distillcodes"
    assert told in refusal(path, forge({}, b"", version=version))
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
TEXTS = ("model_id", "codec_digest", "model_name", "distill_version")
NO_COUNTS = (None, "5", 5.0, True, [5], {}, 0, -1, 1 << 48, 10**40, float("nan"))
NO_TEXTS = (None, 5, True, ["x"], {"x": 1})


def test_header_that_distill_would_not_write_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.distillcodes"
    header, payload = parts(save_codes(path, make()))
    path.write_bytes(forge(header, payload))
    Codes.load(path)  # what is below is refused for what is changed, not for how it is forged
    for key in (*COUNTS, *TEXTS):
        lacking = {other: value for other, value in header.items() if other != key}
        assert f"no valid {key}" in refusal(path, forge(lacking, payload))
        for value in NO_COUNTS if key in COUNTS else NO_TEXTS:
            assert f"no valid {key}" in refusal(path, forge({**header, key: value}, payload))


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b"[" * 60_000, b'{"rows": ' + b"9" * 5000],
    ids=range(8),
)
def test_header_that_is_no_object_is_refused(tmp_path: Path, text: bytes) -> None:
    assert "its header" in refusal(tmp_path / "a.distillcodes", forge(None, b"", text=text))


@pytest.mark.parametrize("length", [65_537, 1 << 20, (1 << 32) - 1])
def test_header_longer_than_any_is_refused(tmp_path: Path, length: int) -> None:
    body = b"distcode" + struct.pack("<HI", 1, length) + b" " * min(length, 70_000)
    data = body + hashlib.sha256(body).digest()
    assert "its header" in refusal(tmp_path / "a.distillcodes", data)


@pytest.mark.parametrize(
    "facts", [b"", b"\1\0\0\0\0\0", b"\0\3", b"\0\1\0\0\0", b"\4\0\0", b"\x10\0", b"\0\2"], ids=repr
)
def test_facts_that_distill_would_not_write_are_refused(tmp_path: Path, facts: bytes) -> None:
    header, payload = parts(save_codes(tmp_path / "b", make((2, 3, 5, 2))))
    assert "channels" in refusal(tmp_path / "a.distillcodes", forge(header, facts, version=2))
    path = tmp_path / "c.distillcodes"
    path.write_bytes(forge(header, b"\0\0" + payload, version=2))
    assert torch.equal(Codes.load(path).indices, make((2, 3, 5, 2)).indices)


def test_version_zero_is_refused(tmp_path: Path) -> None:
    header, payload = parts(save_codes(tmp_path / "b", make()))
    data = forge(header, payload, version=0)
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
    header, payload = parts(save_codes(path, make()))
    data = forge({**header, **sizes}, payload)
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
    header, _ = parts(save_codes(tmp_path / "b", make((1, 1, 1, 1), size)))
    for code in range(size - 1, 1 << BITS[size]):
        payload = (code << -BITS[size] % 8).to_bytes(-(-BITS[size] // 8), "big")
        path = tmp_path / "a.distillcodes"
        path.write_bytes(forge(header, payload))
        if code < size:
            assert Codes.load(path).indices.item() == code
        else:
            assert f"codes outside its codebook of {size}" in refusal(path)
