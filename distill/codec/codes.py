"""codes of one sound ↔ a `.distillcodes` file, version 1 to 4.

Whole numbers are little-endian.

bytes 0-7     "distcode"
bytes 8-9     version: 1, and 1 more if there are facts beside the codes, and 2 more if some rows
              have levels that others do not have
bytes 10-13   length of the header: at most 65,536
header        a JSON object in UTF-8 with the fields of `Header`
facts         in versions 2 and 4, for each channel those of `distill.codec.facts`
payload       the codes in order of time: for each column, each channel with codes of its own (in
              versions 1 and 3, that is each), each row, each level that the row has,
              ceil(log2(codebook_size)) bits, most significant first; zeros up to a whole byte
last 32       SHA-256 of all bytes before
"""

from __future__ import annotations

import hashlib
import json
import stat
import struct
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from distill.audio.reader import SAMPLE_RATES_HZ
from distill.codec.facts import ChannelFacts, pack, unpack, with_codes
from distill.codec.packing import pack_codes, unpack_codes
from distill.errors import CodesError
from distill.model.held import are_codes
from distill.model.layout import CodeLayout
from distill.system.atomic import whole_file
from distill.system.given import shown, whole
from distill.system.ranges import within
from distill.system.validation import InvalidError, instance_of
from distill.version import VERSION as DISTILL_VERSION

MAGIC = b"distcode"
VERSION = 4
WITH_FACTS = (2, 4)
PREFIX = struct.Struct("<8sHI")
LONGEST_HEADER = 1 << 16
LONGEST_NAME = 1000
LARGEST_FILE = 1 << 30
DIGEST_BYTES = 32
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
    low_levels: int = field(default=0, metadata=within(0, MOST))
    """Of the low rows, beyond `levels`; this and the next are not written where there are none."""
    low_codebook_size: int = field(default=0, metadata=within(0, MOST))

    @property
    def layout(self) -> CodeLayout:
        """Which codes a column has."""
        return CodeLayout(
            self.rows, self.levels, self.codebook_size, self.low_levels, self.low_codebook_size
        )


@dataclass(frozen=True, repr=False)
class Codes:
    """The codes of one sound, and the facts that are needed to decode it to its original length."""

    indices: Tensor
    """(C, H, W, L) int64, each in [0, codebook_size): channels with codes of their own, latent rows
    and columns, levels. Those of the low rows alone come last; other rows have -1 there.
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
    low_levels: int = 0
    """How many of the levels only the low rows have."""
    low_codebook_size: int = 0
    """Codes in each of these."""

    def __repr__(self) -> str:
        channels = self.channels
        return (
            f"Codes({self.duration_s:.2f} s, {channels} channel{'s' * (channels > 1)} at "
            f"{self.sample_rate_hz:,} Hz, {self.layout.words}, {self.bitrate_kbps:.2f} kbit/s, "
            f"by {self.model_name!r}, id {self.model_id[:8]})"
        )

    @property
    def channels(self) -> int:
        """Number of channels of the original."""
        return len(self.facts) or self.indices.shape[0]

    @property
    def levels(self) -> int:
        """Number of codebook levels that all rows have."""
        return self.indices.shape[-1] - self.low_levels

    @property
    def layout(self) -> CodeLayout:
        """Which codes a column has."""
        return CodeLayout(
            self.indices.shape[1],
            self.levels,
            self.codebook_size,
            self.low_levels,
            self.low_codebook_size,
        )

    @property
    def duration_s(self) -> float:
        """Duration of the original."""
        return self.samples / self.sample_rate_hz

    @property
    def bits(self) -> int:
        """Number of bits of all channels' codes and facts, without the file's header."""
        coded, _, columns, _ = self.indices.shape
        return coded * columns * self.layout.column_bits + 8 * len(pack(self.facts))

    @property
    def bitrate_kbps(self) -> float:
        """Bits of all channels in each second of the original, in thousands."""
        return self.bits / self.duration_s / 1000

    def first_levels(self, levels: int) -> Codes:
        """The same sound at a lower bitrate; raises CodesError if there are fewer levels. With
        fewer than all, the low rows have no more than the others.
        """
        if (kept := whole(levels, 1, self.levels)) is None:
            raise CodesError(f"levels={shown(levels)}: there are {self.levels}")
        if kept == self.levels:
            return self
        return replace(self, indices=self.indices[..., :kept], low_levels=0, low_codebook_size=0)

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
            and self._are_codes()
        )

    def _are_codes(self) -> bool:
        """Whether a code of its codebook is wherever a row has a level, and none elsewhere."""
        has_levels = 0 <= self.low_levels < self.indices.shape[-1]
        return has_levels and are_codes(self.indices, self.layout)

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
        if not self._are_codes():
            raise CodesError(f"codes outside the codebook of {self.codebook_size}")
        _, rows, columns, _ = self.indices.shape
        header = Header(
            model_id=self.model_id,
            codec_digest=self.codec_digest,
            model_name=self.model_name[:LONGEST_NAME],
            sample_rate_hz=self.sample_rate_hz,
            samples=self.samples,
            channels=self.channels,
            rows=rows,
            columns=columns,
            levels=self.levels,
            codebook_size=self.codebook_size,
            distill_version=DISTILL_VERSION,
            low_levels=self.low_levels,
            low_codebook_size=self.low_codebook_size,
        )
        fields = asdict(header)
        if not self.low_levels:
            del fields["low_levels"], fields["low_codebook_size"]
        version = 1 + bool(self.facts) + 2 * bool(self.low_levels)
        text = json.dumps(fields).encode()
        body = PREFIX.pack(MAGIC, version, len(text)) + text
        body += pack(self.facts)
        body += pack_codes(self.indices, self.layout)
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
        if version in WITH_FACTS:
            facts, payload = unpack(payload, header.channels)
        layout, coded = header.layout, with_codes(facts) or header.channels
        if not bool(header.low_levels) == bool(header.low_codebook_size) == (version > 2):
            raise CodesError("its header is not one that distill writes")
        bits = header.columns * coded * layout.column_bits
        if bits > 8 * LARGEST_FILE or -(-bits // 8) != len(payload):
            raise CodesError("holds fewer or more codes than its header says")
        indices = unpack_codes(payload, header.columns, coded, layout)
        codes = cls(
            indices,
            header.samples,
            header.sample_rate_hz,
            header.codebook_size,
            header.model_id,
            header.codec_digest,
            header.model_name,
            facts,
            header.low_levels,
            header.low_codebook_size,
        )
        if not codes._are_codes():
            sizes = " and ".join(str(size) for size in dict.fromkeys(layout.sizes))
            raise CodesError(f"holds codes outside its codebook of {sizes}")
        return codes


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
