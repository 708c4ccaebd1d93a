"""Code files: good ones, and what an attacker could make of them."""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from distill.codec.codes import Codes
from distill.errors import CodesError

BITS = {2: 1, 3: 2, 8: 3, 100: 7, 256: 8, 1000: 10, 1024: 10}


def make(shape: tuple[int, ...] = (2, 3, 5, 2), size: int = 100, **changes: Any) -> Codes:
    """Random codes, the first and the last of the codebook among them."""
    generator = torch.Generator().manual_seed(len(shape) + size)
    indices = torch.randint(0, size, shape, generator=generator)
    indices.view(-1)[0], indices.view(-1)[-1] = 0, size - 1
    codes = Codes(indices, 4321, 44_100, size, "0123456789abcdef", "fe" * 32, "Tiny – 🥁")
    return replace(codes, **changes)


def save_codes(path: Path, codes: Codes) -> bytes:
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


def forge(header: Any, payload: bytes, *, version: int = 1, text: bytes | None = None) -> bytes:
    """A file as an attacker could write it: any header, with a checksum that fits."""
    text = json.dumps(header).encode() if text is None else text
    body = b"distcode" + struct.pack("<HI", version, len(text)) + text + payload
    return body + hashlib.sha256(body).digest()
