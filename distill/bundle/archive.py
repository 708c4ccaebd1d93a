"""an untrusted file → an error unless it is a small archive of stored entries with a valid seal.

The seal is the archive's comment, the last 64 bytes of the file: SHA-256 in hexadecimal over all
bytes before it.
"""

from __future__ import annotations

import hashlib
import stat
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from distill.errors import BundleError

ARCHIVE_START = b"PK\x03\x04"
END_RECORD = b"PK\x05\x06"
END_RECORD_BYTES = 22
SEAL_BYTES = 64
LARGEST_PICKLE = 16 << 20
LARGEST_MODEL = 4 << 30
"""Largest file in bytes; real models are thousands of times smaller."""
MOST_ENTRIES = 10_000


def check_archive(path: Path, *, sealed: bool) -> None:
    """Raise BundleError unless the file is a small archive of stored entries; nothing is unpacked.
    With `sealed`, also check the seal.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
        raise BundleError("not a regular file")  # reading a pipe would wait for ever
    size = status.st_size
    with path.open("rb") as file:
        start = file.read(4)
        try:
            with zipfile.ZipFile(file) as archive:
                entries, seal = archive.infolist(), archive.comment
        except zipfile.BadZipFile:
            start = b""
        if start != ARCHIVE_START:  # torch would read other data before the archive instead of it
            raise BundleError("truncated or not a .distillgan file")
        _check_entries(entries, size)
        if sealed:
            _check_seal(file, size, seal)


def _check_entries(entries: Sequence[zipfile.ZipInfo], size: int) -> None:
    if not any(entry.filename.endswith("/data.pkl") for entry in entries):
        raise BundleError("is not a .distillgan file, but another kind of archive")
    if len(entries) > MOST_ENTRIES:
        raise BundleError(
            f"holds {len(entries)} archive entries, at most {MOST_ENTRIES} are allowed"
        )
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise BundleError(
            "holds compressed entries, which may unpack to far more than the file's size"
        )
    if sum(entry.file_size for entry in entries) > size or size > LARGEST_MODEL:
        raise BundleError("claims to hold more data than the file's size allows")
    if any(
        entry.filename.endswith(".pkl") and entry.file_size > LARGEST_PICKLE for entry in entries
    ):
        raise BundleError(f"its description is larger than {LARGEST_PICKLE >> 20} MiB")


def _check_seal(file: BinaryIO, size: int, seal: bytes) -> None:
    """Raise BundleError if any byte was changed since the file was written."""
    file.seek(size - END_RECORD_BYTES - len(seal))
    record = file.read(END_RECORD_BYTES)
    ends = record.startswith(END_RECORD) and record.endswith(struct.pack("<H", SEAL_BYTES))
    if len(seal) != SEAL_BYTES or not ends:
        raise BundleError("truncated or altered: its seal is missing")
    digest = hashlib.sha256()
    file.seek(0)
    left = size - SEAL_BYTES
    while left:
        digest.update(block := file.read(min(left, 1 << 20)))
        left -= len(block)
    if digest.hexdigest().encode() != seal:
        raise BundleError("was altered or damaged: its seal does not match")


def seal_archive(archive: bytes) -> bytes:
    """The bytes of an archive → the same with the seal as the archive's comment."""
    assert archive[-END_RECORD_BYTES:].startswith(END_RECORD)
    body = archive[:-2] + struct.pack("<H", SEAL_BYTES)
    return body + hashlib.sha256(body).hexdigest().encode()
