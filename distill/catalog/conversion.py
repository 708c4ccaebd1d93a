"""a checkpoint of a run, or a bundle → a bundle to add to the library."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from distill.bundle import SUFFIX
from distill.bundle.archive import check_archive
from distill.bundle.format import write_bundle
from distill.bundle.loading import check_bundle
from distill.bundle.reader import read_content
from distill.catalog.run_model import bundle_at
from distill.errors import BundleError

CHECKPOINT_SUFFIX = ".ckpt"
WEIGHTS_PREFIX = "model."
NOT_OURS = "not a checkpoint of distill"


@contextmanager
def bundle_of(file: Path, metadata: Mapping[str, Any]) -> Iterator[Path]:
    """The path of a bundle with the content of `file`, and with the values in `metadata` changed.
    It is a temporary file, or `file` itself if nothing has to be changed.

    Raises BundleError for a file that is neither a bundle nor a checkpoint of distill, LibraryError
    for other parts of a run.
    """
    file = bundle_at(file, suffixes=(SUFFIX, CHECKPOINT_SUFFIX))
    if file.suffix != CHECKPOINT_SUFFIX:
        check_bundle(file)  # so that no unusable bundle is added
        if not metadata:
            yield file
            return
        fields = read_content(file)
    else:
        fields = _fields_of_checkpoint(file)
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder) / f"{file.stem}{SUFFIX}"
        try:
            fields["metadata"] = {**fields["metadata"], **metadata}
            write_bundle(bundle, fields)
        except (KeyError, TypeError, AttributeError) as error:
            raise BundleError(f"{file.name}: {NOT_OURS}") from error
        check_bundle(bundle)
        yield bundle


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
