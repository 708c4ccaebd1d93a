"""an untrusted `.distillgan` file → a ready model, or one line that says why not; nothing in the
file is ever run.
"""

from __future__ import annotations

import math
import pickle
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from distill.bundle.format import (
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
from distill.model.mel import LogMel, SpectrogramConfig
from distill.model.vqvae import ConvVQVAE, VQVAEConfig

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
Config = TypeVar("Config")


@dataclass(frozen=True)
class LoadedModel:
    """A bundle, checked and rebuilt."""

    model: ConvVQVAE
    """In eval mode."""
    spectrogram: LogMel
    metadata: dict[str, Any]
    health: dict[str, dict[str, float]]
    history: dict[str, list[float]]
    training_config: dict[str, Any]
    vocoder_state: dict[str, Any] | None


def load_bundle(path: str | Path, *, device: str | torch.device = "cpu") -> LoadedModel:
    """Rebuild a ready, eval-mode model from the file alone.

    Raises BundleError, each time with a message of its own: an old `.distill` file, another or a
    newer format, a truncated, altered or hostile file, shapes that do not fit, a missing key.
    """
    path = Path(path)
    content = read_content(path)
    try:
        model = _rebuild(content)
        mel = _config(SpectrogramConfig, content["spectrogram_config"], "spectrogram_config")
        if mel.n_fft * mel.n_mels > LARGEST_FILTER_BANK or mel.floor <= 0 or mel.std_db <= 0:
            raise BundleError(f"spectrogram_config is beyond reason: {asdict(mel)}")
        spectrogram = LogMel(mel)
    except BundleError as error:
        raise BundleError(f"{path.name}: {error}") from error
    return LoadedModel(
        model.to(device).eval(),
        spectrogram.to(device),
        content["metadata"],
        content["codebook_health_snapshot"],
        content["loss_curve_history"],
        content["training_config"],
        content.get("vocoder_state"),
    )


def read_content(path: Path) -> dict[str, Any]:
    """The checked dictionary of a bundle, tensors on the CPU; raises BundleError."""
    if path.suffix == ".distill":
        raise BundleError(OLD_FORMAT)
    try:
        _check_archive(path)
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        _check_tree(content)
        _check_fields(content)
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


def _check_archive(path: Path) -> None:
    """Refuse what is not a small archive of stored entries, before anything is unpacked."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(4)
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except zipfile.BadZipFile:
        start = b""
    if start != ARCHIVE_START:  # what stands before an archive would be read in its stead
        raise BundleError("truncated or not a .distillgan file")
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
        _require(content["metadata"], key, object, "metadata.")
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
    if content["checksum"] != checksum_of(content):
        raise BundleError("was altered or damaged: its checksum does not fit")


def _require(content: Mapping[str, Any], key: str, kind: type, prefix: str) -> None:
    if key not in content:
        raise BundleError(f"the key {prefix}{key} is missing")
    if not isinstance(content[key], kind) or (kind is int and isinstance(content[key], bool)):
        raise BundleError(
            f"{prefix}{key} must be {kind.__name__}, not {type(content[key]).__name__}"
        )


def _config(kind: type[Config], values: dict[str, Any], name: str) -> Config:
    """A configuration from untrusted values: each present, of its type, within reason."""
    known = {field.name: field.type for field in fields(kind)}  # type: ignore[arg-type]
    for key, type_name in known.items():
        if key not in values:
            raise BundleError(f"the key {name}.{key} is missing")
        value = values[key]
        numbers = value if isinstance(value, list | tuple) else [value]
        whole = "int" in str(type_name)
        for number in numbers:
            fits = isinstance(number, int) if whole else isinstance(number, int | float)
            if (
                not fits
                or isinstance(number, bool)
                or abs(number) > 1e6
                or not math.isfinite(number)
                or (key == "dropout" and not 0 <= number < 1)
            ):
                raise BundleError(f"{name}.{key}={str(value)[:60]} is not possible")
            if whole and number < (0 if key == "residual_units" else 1):
                raise BundleError(f"{name}.{key}={str(value)[:60]} is not possible")
        if (
            isinstance(value, list | tuple) != str(type_name).startswith("tuple")
            or not 1 <= len(numbers) <= 16
        ):
            raise BundleError(f"{name}.{key}={str(value)[:60]} is not possible")
    return kind(
        **{
            key: tuple(values[key]) if isinstance(values[key], list) else values[key]
            for key in known
        }
    )


def _rebuild(content: dict[str, Any]) -> ConvVQVAE:
    config = _config(VQVAEConfig, content["vqvae_config"], "vqvae_config")
    if config.num_quantizers > 64 or config.residual_units > 64 or len(config.channels) > 8:
        raise BundleError(f"vqvae_config asks for a network beyond reason: {asdict(config)}")
    weights = content["model_state_dict"]
    with torch.device("meta"):  # no memory is taken before the shapes are known to fit
        model = ConvVQVAE(config)
    expected = model.state_dict()
    if missing := sorted(set(expected) - set(weights)):
        raise BundleError(f"the weight {missing[0]} is missing")
    if unknown := sorted(map(str, set(weights) - set(expected))):
        raise BundleError(f"the weight {unknown[0][:80]} has no place in the network")
    for name, tensor in expected.items():
        given = weights[name]
        if (
            not isinstance(given, Tensor)
            or given.shape != tensor.shape
            or given.dtype != tensor.dtype
        ):
            raise BundleError(f"the weight {name} does not fit vqvae_config")
        if given.is_floating_point() and not torch.isfinite(given).all():
            raise BundleError(f"the weight {name} holds NaN or infinity")
    model = ConvVQVAE(config)
    model.load_state_dict(weights)
    return model
