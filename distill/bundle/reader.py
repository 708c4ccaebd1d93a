"""an untrusted `.distillgan` file → its checked content, or an error; runs no code in the file."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from distill.bundle.archive import LARGEST_MODEL, check_archive
from distill.bundle.content import BundleContent, typed_content
from distill.bundle.format import MARKER, MODEL_TYPE, VERSION
from distill.codec.digest import checksum_of, codec_digest_of
from distill.errors import BundleError
from distill.system.shell import command_of

OLD_MARKER = "distill_model"
OLD_FORMAT = (
    "This model was saved in v1 format which is no longer supported. Please retrain your model."
)
MOST_VALUES = 2_000_000
DEEPEST = 32


def read_bundle(path: Path, *, weights: bool = True) -> BundleContent:
    """The content of a bundle, tensors on the CPU; raises BundleError as `read_content` does."""
    return typed_content(read_content(path, weights=weights))


def read_content(path: Path, *, weights: bool = True) -> dict[str, Any]:
    """The checked dictionary of a bundle, tensors on the CPU; raises BundleError.

    With `weights=False`, the weights are left out and neither read nor checked: enough to describe
    a model, but not to use it.
    """
    if path.suffix == ".distill":
        raise BundleError(OLD_FORMAT)
    if path.suffix == ".ckpt" and path.is_file():
        raise BundleError(
            f"{path}: is a checkpoint, not a model; give the folder of its run, or make a model of "
            f"it with `{command_of('library')} add`"
        )
    try:
        check_archive(path, sealed=weights)
        unchecked = _load(path, mapped=not weights)
        _check_tree(unchecked)
        content = _check_header(unchecked)
        _check_known(typed_content(content))
        if weights:
            _check_digests(content)
        else:
            content["model_state_dict"] = {}
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


def _load(path: Path, *, mapped: bool) -> object:
    content: object
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of unusual pickles
        if mapped and str(path).isprintable():
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        else:  # opened here, because torch does not open names that are not Unicode
            with path.open("rb") as file:
                content = torch.load(file, map_location="cpu", weights_only=True)
    return content


def _check_tree(content: object) -> None:
    """Raise BundleError for huge nested values, and tensors with more elements than bytes."""
    waiting: list[tuple[object, int]] = [(content, 0)]
    walked = tensor_bytes = 0
    while waiting:
        value, depth = waiting.pop()
        walked += 1
        if walked > MOST_VALUES or depth > DEEPEST or tensor_bytes > LARGEST_MODEL:
            raise BundleError("is nested too deeply or holds too many values")
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


def _check_header(content: object) -> dict[str, Any]:
    """Raise BundleError for another format or a newer version."""
    if not isinstance(content, dict):
        raise BundleError("is not a .distillgan file")
    marker, version = content.get("format"), content.get("version")
    if marker == OLD_MARKER:
        raise BundleError(OLD_FORMAT)
    if marker != MARKER:
        raise BundleError(f"is not a .distillgan file (its format is {str(marker)[:40]!r})")
    if isinstance(version, int) and version > VERSION:
        raise BundleError(
            f"has format version {version}, newer than this distill reads ({VERSION}): "
            "please upgrade distill"
        )
    return content


def _check_known(content: BundleContent) -> None:
    if content.version != VERSION:
        raise BundleError(f"has the unknown format version {content.version}")
    if content.model_type != MODEL_TYPE:
        raise BundleError(f"holds a model of the unknown type {content.model_type[:40]!r}")


def _check_digests(content: Mapping[str, Any]) -> None:
    """Raise BundleError for content that was changed after it was written."""
    if content["checksum"] != checksum_of(content):
        raise BundleError("was altered or damaged: its checksum does not match")
    if content["codec_digest"] != codec_digest_of(content):
        raise BundleError("was altered: its codec_digest does not match")
