"""an untrusted `.distillgan` file → its checked content, or one line that says why not; nothing in
the file is ever run.
"""

from __future__ import annotations

import hashlib
import pickle
import stat
import struct
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from distill.bundle.format import (
    END_RECORD,
    END_RECORD_BYTES,
    FIELD_TYPES,
    HEALTH_KEYS,
    HISTORY_KEYS,
    MARKER,
    METADATA_KEYS,
    VERSION,
    VOCODER_KEYS,
    checksum_of,
)
from distill.errors import BundleError

ARCHIVE_START = b"PK\x03\x04"
OLD_FORMAT = (
    "This model was saved in v1 format which is no longer supported. Please retrain your model."
)
LARGEST_PICKLE = 16 << 20
LARGEST_MODEL = 4 << 30
"""Bytes of weights; networks of this kind are thousands of times smaller."""
LARGEST_FILTER_BANK = 1 << 26
MOST_ENTRIES = 10_000
MOST_VALUES = 2_000_000
DEEPEST = 32


def read_content(path: Path, *, weights: bool = True) -> dict[str, Any]:
    """The checked dictionary of a bundle, tensors on the CPU; raises BundleError.

    Without `weights`, their bytes are neither read nor checked: to tell what a file is, not to use
    it.
    """
    if path.suffix == ".distill":
        raise BundleError(OLD_FORMAT)
    if path.suffix == ".ckpt" and path.is_file():
        raise BundleError(
            f"{path}: is a checkpoint, not a model: give the folder of its run, or make a model of "
            "it by `python -m distill.library add`"
        )
    try:
        check_archive(path, sealed=weights)
        content = _load(path, mapped=not weights)
        _check_tree(content)
        _check_fields(content)
        if not weights:
            del content["model_state_dict"]
        elif content["checksum"] != checksum_of(content):
            raise BundleError("was altered or damaged: its checksum does not fit")
    except BundleError as error:
        raise BundleError(
            str(error) if str(error) == OLD_FORMAT else f"{path.name}: {error}"
        ) from error
    except FileNotFoundError:
        raise BundleError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise BundleError(f"{path}: is a folder, not a model file") from None
    except PermissionError:
        raise BundleError(f"{path}: no permission to read it") from None
    except pickle.UnpicklingError as error:
        raise BundleError(f"{path.name}: holds more than plain data and was not opened") from error
    except (
        Exception
    ) as error:  # the unpickler fails in many ways on damaged bytes; each means the same
        raise BundleError(f"{path.name}: truncated or damaged ({type(error).__name__})") from error
    return content


def _load(path: Path, *, mapped: bool) -> dict[str, Any]:
    content: dict[str, Any]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what torch has to say of odd pickles
        if mapped and str(path).isprintable():
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        else:  # opened here, because torch takes no names that are not Unicode
            with path.open("rb") as file:
                content = torch.load(file, map_location="cpu", weights_only=True)
    return content


def check_archive(path: Path, *, sealed: bool) -> None:
    """Refuse what is not a small archive of stored entries, before anything is unpacked."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
        raise BundleError("not a regular file")  # a pipe would be waited for
    size = status.st_size
    with path.open("rb") as file:
        start = file.read(4)
        try:
            with zipfile.ZipFile(file) as archive:
                entries, seal = archive.infolist(), archive.comment
        except zipfile.BadZipFile:
            start = b""
        if start != ARCHIVE_START:  # what stands before an archive would be read in its stead
            raise BundleError("truncated or not a .distillgan file")
        if sealed and size <= LARGEST_MODEL:
            _check_seal(file, size, seal)
    if not any(entry.filename.endswith("/data.pkl") for entry in entries):
        raise BundleError("is not a .distillgan file, but an archive of other things")
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
    """Refuse an archive with one byte other than it was written, also where no reader looks."""
    file.seek(size - END_RECORD_BYTES - len(seal))
    record = file.read(END_RECORD_BYTES)
    if not record.startswith(END_RECORD) or not record.endswith(struct.pack("<H", len(seal))):
        raise BundleError("truncated or altered: it does not end as it was written")
    if seal:  # files of the first distill have none
        digest = hashlib.sha256()
        file.seek(0)
        left = size - len(seal)
        while left:
            digest.update(block := file.read(min(left, 1 << 20)))
            left -= len(block)
        if digest.hexdigest().encode() != seal:
            raise BundleError("was altered or damaged: its seal does not fit")


def _check_tree(content: object) -> None:
    """Refuse what would take ages to walk, and tensors that claim more than their bytes."""
    waiting: list[tuple[object, int]] = [(content, 0)]
    walked = tensor_bytes = 0
    while waiting:
        value, depth = waiting.pop()
        walked += 1
        if walked > MOST_VALUES or depth > DEEPEST or tensor_bytes > LARGEST_MODEL:
            raise BundleError("is nested or repeated beyond reason")
        if isinstance(value, Mapping):
            waiting += [(item, depth + 1) for pair in value.items() for item in pair]
        elif isinstance(value, list | tuple):
            waiting += [(item, depth + 1) for item in value]
        elif isinstance(value, Tensor):
            if value.layout != torch.strided or not value.is_contiguous() or value.is_quantized:
                raise BundleError("holds a tensor that claims more elements than it has bytes")
            if value.nbytes > value.untyped_storage().nbytes():
                raise BundleError("holds a tensor that claims more elements than it has bytes")
            tensor_bytes += value.nbytes
        elif not (value is None or isinstance(value, str | bytes | bool | int | float)):
            raise BundleError(f"holds a {type(value).__name__} where only plain values are allowed")


def _check_fields(content: Any) -> None:
    if not isinstance(content, dict):
        raise BundleError("is not a .distillgan file")
    marker = content.get("format")
    if marker == "distill_model":
        raise BundleError(OLD_FORMAT)
    if marker != MARKER:
        raise BundleError(f"is not a .distillgan file (its format is {str(marker)[:40]!r})")
    version = content.get("version")
    if isinstance(version, int) and version > VERSION:
        raise BundleError(
            f"has format version {version}, newer than this distill reads ({VERSION}): "
            "please upgrade distill"
        )
    for key, kind in FIELD_TYPES.items():
        _require(content, key, kind, "")
    if content["version"] != VERSION:
        raise BundleError(f"has the unknown format version {content['version']}")
    if content["model_type"] != "vqvae":
        raise BundleError(f"holds a model of the unknown type {content['model_type'][:40]!r}")
    for key in METADATA_KEYS:
        kind = str if key in ("model_id", "name") else object
        _require(content["metadata"], key, kind, "metadata.")
    for key in HISTORY_KEYS:
        _require(content["loss_curve_history"], key, list, "loss_curve_history.")
    for level, health in content["codebook_health_snapshot"].items():
        _require(content["codebook_health_snapshot"], level, dict, "codebook_health_snapshot.")
        for key in HEALTH_KEYS:
            _require(health, key, object, f"codebook_health_snapshot.{level}.")
    if "vocoder_state" in content:
        _require(content, "vocoder_state", dict, "")
        for key in VOCODER_KEYS:
            _require(content["vocoder_state"], key, object, "vocoder_state.")


def _require(content: Mapping[str, Any], key: str, kind: type, prefix: str) -> None:
    if key not in content:
        raise BundleError(f"the key {prefix}{key} is missing")
    if not isinstance(content[key], kind) or (kind is int and isinstance(content[key], bool)):
        raise BundleError(
            f"{prefix}{key} must be {kind.__name__}, not {type(content[key]).__name__}"
        )
