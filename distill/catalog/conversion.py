"""a checkpoint of a run, or a bundle → a bundle to add to the library."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch

from distill.bundle import SUFFIX
from distill.bundle.archive import check_archive
from distill.bundle.format import write_bundle
from distill.bundle.loading import check_bundle
from distill.bundle.reader import read_content
from distill.catalog.entry import Entry
from distill.catalog.run_model import bundle_at
from distill.errors import BundleError
from distill.prior.state import SAME_BITS

CHECKPOINT_SUFFIX = ".ckpt"
WEIGHTS_PREFIX = "model."
NOT_OURS = "not a checkpoint of distill"
log = logging.getLogger(__name__)


@contextmanager
def bundle_of(
    file: Path, metadata: Mapping[str, Any], *, parts: Mapping[str, Any] | None = None
) -> Iterator[Path]:
    """The path of a bundle with the content of `file`, with the values in `metadata` changed, and
    with other `parts`. It is a temporary file, or `file` itself if nothing has to be changed.

    Raises BundleError for a file that is neither a bundle nor a checkpoint of distill, LibraryError
    for other parts of a run.
    """
    file = bundle_at(file, suffixes=(SUFFIX, CHECKPOINT_SUFFIX))
    if file.suffix != CHECKPOINT_SUFFIX:
        check_bundle(file)  # so that no unusable bundle is added
        if not metadata and not parts:
            yield file
            return
        fields = read_content(file)
    else:
        fields = _fields_of_checkpoint(file)
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder) / f"{file.stem}{SUFFIX}"
        try:
            fields["metadata"] = {**fields["metadata"], **metadata}
            write_bundle(bundle, {**fields, **(parts or {})})
        except (KeyError, TypeError, AttributeError) as error:
            raise BundleError(f"{file.name}: {NOT_OURS}") from error
        check_bundle(bundle)
        yield bundle


@contextmanager
def continued(bundle: Path, new: Entry, earlier_file: Path, earlier: Entry) -> Iterator[Path]:
    """The path of a bundle with the content of `bundle` under the name, description and tags of an
    earlier state of the same model, and with the parts that only that has, or has better.
    """
    kept: dict[str, Any] = {
        key: value
        for key in ("name", "description", "tags")
        if (value := getattr(earlier, key)) != getattr(new, key) and value
    }
    parts: dict[str, Any] = {}
    if new.codec_digest == earlier.codec_digest:
        lost = [
            key for key in ("vocoder", "prior") if getattr(earlier, key) and not getattr(new, key)
        ]
        lost += ["prior"] * _has_better_prior(earlier, new)
        with suppress(BundleError):  # then there is nothing to keep
            content = read_content(earlier_file) if lost else {}
            parts = {f"{key}_state": content[f"{key}_state"] for key in lost}
    if not kept and not parts:
        yield bundle
        return
    with bundle_of(bundle, kept, parts=parts) as merged:
        yield merged


def _has_better_prior(earlier: Entry, new: Entry) -> bool:
    """Whether another run has added a better prior for the same sounds; says so in one line."""
    before, now = earlier.prior, new.prior
    if before is None or now is None or not before.dataset_fingerprint:
        return False
    if before.dataset_fingerprint != now.dataset_fingerprint:
        return False
    is_better = SAME_BITS * before.final_bits_per_s < now.final_bits_per_s
    if is_better:
        log.warning(
            "the library's %s keeps its prior, which needs %.0f bits a second; this one needs %.0f",
            earlier.name,
            before.final_bits_per_s,
            now.final_bits_per_s,
        )
    return is_better


def _fields_of_checkpoint(file: Path) -> dict[str, Any]:
    try:
        check_archive(file, sealed=False)
        with file.open("rb") as source:
            checkpoint = torch.load(source, map_location="cpu", weights_only=True)
    except OSError as error:
        raise BundleError(f"{file}: cannot be read: {error.strerror}") from error
    except Exception as error:  # damaged files cause many kinds of errors
        raise BundleError(f"{file.name}: not a readable checkpoint") from error
    try:
        weights = {
            key.removeprefix(WEIGHTS_PREFIX): value
            for key, value in checkpoint["state_dict"].items()
            if key.startswith(WEIGHTS_PREFIX)
        }
        return {**checkpoint["distill"]["bundle"], "model_state_dict": weights}
    except (KeyError, TypeError, AttributeError) as error:
        raise BundleError(f"{file.name}: {NOT_OURS}") from error
