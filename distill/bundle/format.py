"""the `.distillgan` file, version 1: what is in it, and writing it.

A bundle is what `torch.save` makes of one dictionary of plain values and tensors: a ZIP archive
whose entries are stored, not deflated, with the dictionary's pickle in `*/data.pkl` and each
tensor's bytes in `*/data/N`. The archive's comment, the last 64 bytes of the file, is the seal:
SHA-256 in hexadecimal over every byte before it. A file without a comment, as distill wrote them
at first, is version 1 too. The dictionary's keys:

format                    "distillgan_model"
version                   1
model_type                "vqvae"
model_state_dict          {name: tensor}, weights and codebooks, no optimizer state
vqvae_config              fields of distill.model.vqvae.VQVAEConfig
spectrogram_config        fields of distill.model.mel.SpectrogramConfig
training_config           the resolved configuration of the run, plain values
codebook_health_snapshot  {"level_0": {"utilization", "perplexity", "dead_codes"}, ...}
loss_curve_history        one number an epoch in each list; see HISTORY_KEYS
metadata                  what, from what, when, how long; see METADATA_KEYS
vocoder_state             only where there is one; see VOCODER_KEYS
checksum                  SHA-256 over all the above, see `checksum_of`
"""

from __future__ import annotations

import hashlib
import io
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from distill.system.atomic import whole_file

MARKER = "distillgan_model"
VERSION = 1
END_RECORD = b"PK\x05\x06"
END_RECORD_BYTES = 22
SEAL_BYTES = 64

FIELD_TYPES: dict[str, type] = {
    "format": str,
    "version": int,
    "model_type": str,
    "model_state_dict": dict,
    "vqvae_config": dict,
    "spectrogram_config": dict,
    "training_config": dict,
    "codebook_health_snapshot": dict,
    "loss_curve_history": dict,
    "metadata": dict,
    "checksum": str,
}
HEALTH_KEYS = ("utilization", "perplexity", "dead_codes")
HISTORY_KEYS = ("train_losses", "val_losses", "recon_losses", "commit_losses")
METADATA_KEYS = (
    "model_id",
    "name",
    "description",
    "dataset_name",
    "dataset_file_count",
    "dataset_total_duration_s",
    "dataset_fingerprint",
    "training_date",
    "save_date",
    "training_epochs",
    "final_train_loss",
    "final_val_loss",
    "tags",
    "distill_version",
    "torch_version",
)
WRITTEN_ANEW = ("format", "version", "model_type", "checksum")
"""Keys that `write_bundle` fills in."""
VOCODER_KEYS = ("type", "state_dict", "config", "training_metadata")


def write_bundle(path: Path, fields: Mapping[str, Any]) -> None:
    """Write a bundle whole or not at all; `fields` is everything but format, version, model_type
    and checksum.
    """
    content = {"format": MARKER, "version": VERSION, "model_type": "vqvae", **fields}
    content["model_state_dict"] = {
        # a copy: of a view, the whole it looks into would be written
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in fields["model_state_dict"].items()
    }
    content["checksum"] = checksum_of(content)
    archive = io.BytesIO()  # in memory first: a full disk is then an OSError that says so
    torch.save(content, archive)
    with whole_file(path) as partial:
        partial.write_bytes(_sealed(archive.getvalue()))


def _sealed(archive: bytes) -> bytes:
    """The archive with the digest of all its bytes as its comment."""
    assert archive[-END_RECORD_BYTES:].startswith(END_RECORD)
    body = archive[:-2] + struct.pack("<H", SEAL_BYTES)
    return body + hashlib.sha256(body).hexdigest().encode()


def checksum_of(content: Mapping[str, Any]) -> str:
    """SHA-256, in hexadecimal, over a canonical form of every key but `checksum`.

    Each value is fed as a one-byte kind, then its content: lengths and floats as 8 bytes
    little-endian, whole numbers as length and decimal digits, text as length and UTF-8,
    dictionaries as length and their items in order of key, lists and tuples as length and items,
    tensors as dtype, shape and bytes.
    """
    digest = hashlib.sha256()
    _feed(digest, {key: value for key, value in content.items() if key != "checksum"})
    return digest.hexdigest()


def _feed(digest: Any, value: Any) -> None:
    if isinstance(value, Tensor):
        digest.update(b"T")
        _feed(digest, str(value.dtype))
        _feed(digest, list(value.shape))
        dense = value.detach().cpu().clone(memory_format=torch.contiguous_format)
        digest.update(dense.reshape(-1).view(torch.uint8).numpy())
    elif isinstance(value, Mapping):
        digest.update(b"D" + struct.pack("<q", len(value)))
        for key in sorted(value, key=lambda key: (type(key).__name__, key)):
            _feed(digest, key)
            _feed(digest, value[key])
    elif isinstance(value, list | tuple):
        digest.update(b"L" + struct.pack("<q", len(value)))
        for item in value:
            _feed(digest, item)
    elif isinstance(value, str | bytes):
        encoded = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
        digest.update(
            (b"S" if isinstance(value, str) else b"Y") + struct.pack("<q", len(encoded)) + encoded
        )
    elif value is None or isinstance(value, bool):
        digest.update({None: b"N", True: b"1", False: b"0"}[value])
    elif isinstance(value, int):
        digits = str(value).encode()
        digest.update(b"I" + struct.pack("<q", len(digits)) + digits)
    elif isinstance(value, float):
        digest.update(b"F" + struct.pack("<d", value))
    else:
        raise TypeError(f"a bundle takes plain values and tensors, not {type(value).__name__}")
