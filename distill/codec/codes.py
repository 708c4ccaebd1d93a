"""codes of one sound ↔ a `.distillcodes` file, version 1 or 2.

Whole numbers are little-endian.

bytes 0-7     "distcode"
bytes 8-9     version: 2 if there are facts beside the codes, else 1
bytes 10-13   length of the header: at most 65,536
header        a JSON object in UTF-8 with the fields of `Header`
facts         in version 2, for each channel those of `distill.codec.facts`
payload       the codes in order of time: for each column, each channel with codes of its own (in
              version 1, that is each), each row, each level,
              ceil(log2(codebook_size)) bits, most significant first; zeros up to a whole byte
last 32       SHA-256 of all bytes before
"""

from __future__ import annotations

import hashlib
import json
import math
import stat
import struct
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from distill.audio.reader import SAMPLE_RATES_HZ
from distill.codec.facts import ChannelFacts, pack, unpack, with_codes
from distill.errors import CodesError
from distill.model.sizing import bits_per_code
from distill.system.atomic import whole_file
from distill.system.given import shown, whole
from distill.system.ranges import within
from distill.system.validation import InvalidError, instance_of
from distill.version import VERSION as DISTILL_VERSION

MAGIC = b"distcode"
VERSION = 2
PREFIX = struct.Struct("<8sHI")
LONGEST_HEADER = 1 << 16
LONGEST_NAME = 1000
LARGEST_FILE = 1 << 30
DIGEST_BYTES = 32
BLOCK_CODES = 1 << 16
"""Codes packed at a time; a multiple of 8, so that a block ends at the end of a byte."""
MOST = (1 << 48) - 1


@dataclass(frozen=True)
class Header:
    """The header of a code file."""

    model_id: str
    codec_digest: str
    """Digest of the codec that made the codes; no other codec can decode them."""
    model_name: str
    sample_rate_hz: int = field(metadata=within(*SAMPLE_RATES_HZ))
    """Sample rate of the original; `samples` and `channels` are the original's too."""
    samples: int = field(metadata=within(1, MOST))
    channels: int = field(metadata=within(1, MOST))
    rows: int = field(metadata=within(1, MOST))
    columns: int = field(metadata=within(1, MOST))
    levels: int = field(metadata=within(1, MOST))
    codebook_size: int = field(metadata=within(1, MOST))
    distill_version: str


@dataclass(frozen=True, repr=False)
class Codes:
    """The codes of one sound, and the facts that are needed to decode it to its original length."""

    indices: Tensor
    """(C, H, W, L) int64, each in [0, codebook_size): channels with codes of their own, latent rows
    and columns, levels.
    """
    samples: int
    """Length of the original, in samples at `sample_rate_hz`."""
    sample_rate_hz: int
    """Sample rate of the original."""
    codebook_size: int
    model_id: str
    codec_digest: str
    """Digest of the model's weights and configurations. More training changes it (but not the
    model's id); another name or vocoder does not.
    """
    model_name: str = ""
    facts: tuple[ChannelFacts, ...] = ()
    """What is kept of each channel beside its codes; empty if it is nothing."""

    def __repr__(self) -> str:
        channels, levels = self.channels, self.levels
        return (
            f"Codes({self.duration_s:.2f} s, {channels} channel{'s' * (channels > 1)} at "
            f"{self.sample_rate_hz:,} Hz, {levels} level{'s' * (levels > 1)} of "
            f"{self.codebook_size} codes, {self.bitrate_kbps:.2f} kbit/s, "
            f"by {self.model_name!r}, id {self.model_id[:8]})"
        )

    @property
    def channels(self) -> int:
        """Number of channels of the original."""
        return len(self.facts) or self.indices.shape[0]

    @property
    def levels(self) -> int:
        """Number of codebook levels in these codes."""
        return self.indices.shape[-1]

    @property
    def duration_s(self) -> float:
        """Duration of the original."""
        return self.samples / self.sample_rate_hz

    @property
    def bits(self) -> int:
        """Number of bits of all channels' codes and facts, without the file's header."""
        codes = self.indices.numel() * bits_per_code(self.codebook_size)
        return codes + 8 * len(pack(self.facts))

    @property
    def bitrate_kbps(self) -> float:
        """Bits of all channels in each second of the original, in thousands."""
        return self.bits / self.duration_s / 1000

    def first_levels(self, levels: int) -> Codes:
        """The same sound at a lower bitrate; raises CodesError if there are fewer levels."""
        if (kept := whole(levels, 1, self.levels)) is None:
            raise CodesError(f"levels={shown(levels)}: there are {self.levels}")
        return replace(self, indices=self.indices[..., :kept])

    def is_whole(self) -> bool:
        """Whether these are codes of a sound, of any model."""
        indices = self.indices
        return (
            isinstance(indices, Tensor)
            and indices.dtype == torch.int64
            and indices.ndim == 4
            and indices.numel() > 0
            and whole(self.samples, 1, MOST) is not None
            and whole(self.sample_rate_hz, *SAMPLE_RATES_HZ) is not None
            and with_codes(self.facts) in (0, indices.shape[0])
            and 0 <= int(indices.min()) <= int(indices.max()) < self.codebook_size
        )

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write the file, completely or not at all.

        Raises CodesError for codes outside the codebook, and if the file exists, unless `overwrite`
        is true.
        """
        path = Path(path)
        try:
            self.write(path, replace=overwrite)
        except FileExistsError as error:
            raise CodesError(f"{path}: already exists; to replace it: overwrite=True") from error

    def write(self, path: Path, *, replace: bool) -> None:
        """The same, but raises FileExistsError if the file exists and is not to be replaced."""
        if self.indices.min() < 0 or self.indices.max() >= self.codebook_size:
            raise CodesError(f"codes outside the codebook of {self.codebook_size}")
        _, rows, columns, levels = self.indices.shape
        header = Header(
            model_id=self.model_id,
            codec_digest=self.codec_digest,
            model_name=self.model_name[:LONGEST_NAME],
            sample_rate_hz=self.sample_rate_hz,
            samples=self.samples,
            channels=self.channels,
            rows=rows,
            columns=columns,
            levels=levels,
            codebook_size=self.codebook_size,
            distill_version=DISTILL_VERSION,
        )
        text = json.dumps(asdict(header)).encode()
        body = PREFIX.pack(MAGIC, VERSION if self.facts else 1, len(text)) + text
        body += pack(self.facts)
        body += _pack(self.indices, bits_per_code(self.codebook_size))
        with whole_file(path, replace=replace) as partial:
            partial.write_bytes(body + hashlib.sha256(body).digest())

    @classmethod
    def load(cls, path: str | Path) -> Codes:
        """Read a file; raises CodesError, with a different message for each kind of damage."""
        path = Path(path)
        try:
            return cls._parse(_read_bytes(path))
        except CodesError as error:
            raise CodesError(f"{path.name}: {error}") from None

    @classmethod
    def _parse(cls, data: bytes) -> Codes:
        if not data.startswith(MAGIC):
            raise CodesError("not a code file of distill")
        if len(data) < PREFIX.size + DIGEST_BYTES:
            raise CodesError("truncated")
        _, version, length = PREFIX.unpack_from(data)
        if version > VERSION:
            raise CodesError(
                f"has format version {version}, newer than this distill reads ({VERSION}): "
                "please upgrade distill"
            )
        if hashlib.sha256(data[:-DIGEST_BYTES]).digest() != data[-DIGEST_BYTES:]:
            raise CodesError("truncated or damaged: its checksum does not match")
        if version < 1 or length > LONGEST_HEADER:
            raise CodesError("its header is not one that distill writes")
        header = _parse_header(data[PREFIX.size : PREFIX.size + length])
        payload = data[PREFIX.size + length : -DIGEST_BYTES]
        facts: tuple[ChannelFacts, ...] = ()
        if version > 1:
            facts, payload = unpack(payload, header.channels)
        shape = (header.columns, with_codes(facts) or header.channels, header.rows, header.levels)
        count, bits = math.prod(shape), bits_per_code(header.codebook_size)
        if count > 8 * LARGEST_FILE or -(-count * bits // 8) != len(payload):
            raise CodesError("holds fewer or more codes than its header says")
        codes = _unpack(payload, count, bits)
        if count and codes.max() >= header.codebook_size:
            raise CodesError(f"holds codes outside its codebook of {header.codebook_size}")
        indices = torch.from_numpy(codes).reshape(shape).permute(1, 2, 0, 3).contiguous()
        return cls(
            indices,
            header.samples,
            header.sample_rate_hz,
            header.codebook_size,
            header.model_id,
            header.codec_digest,
            header.model_name,
            facts,
        )


def _read_bytes(path: Path) -> bytes:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
            raise CodesError("not a regular file")  # reading a pipe would wait for ever
        if status.st_size > LARGEST_FILE:
            raise CodesError("larger than any code file that distill writes")
        return path.read_bytes()
    except OSError as error:
        raise CodesError(f"cannot be read: {error.strerror}") from error


def _parse_header(text: bytes) -> Header:
    try:
        return instance_of(Header, json.loads(text))
    except InvalidError as error:
        if error.key:
            raise CodesError(f"its header has no valid {error.key}") from error
    except (ValueError, RecursionError):
        pass
    raise CodesError("its header is not one that distill writes")


def _pack(indices: Tensor, bits: int) -> bytes:
    """Codes (C, H, W, L) → bytes in order of time."""
    codes = indices.permute(2, 0, 1, 3).reshape(-1).cpu().numpy()
    places = np.arange(bits - 1, -1, -1)
    blocks = (codes[start : start + BLOCK_CODES] for start in range(0, len(codes), BLOCK_CODES))
    return b"".join(
        np.packbits((block[:, None] >> places & 1).astype(np.uint8)).tobytes() for block in blocks
    )


def _unpack(payload: bytes, count: int, bits: int) -> np.ndarray:
    """Bytes → `count` codes, int64."""
    codes = np.zeros(count, np.int64)
    packed = np.frombuffer(payload, np.uint8)
    for start in range(0, count, BLOCK_CODES):
        block = codes[start : start + BLOCK_CODES]
        columns = np.unpackbits(packed[start * bits // 8 :], count=len(block) * bits)
        for column in columns.reshape(len(block), bits).T:
            block <<= 1
            block |= column
    return codes
