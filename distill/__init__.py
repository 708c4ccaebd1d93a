"""distill: a discrete audio model of your own sounds. Imports nothing heavy."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from distill.bundle.loaded import LoadedModel

__version__ = "0.1.0"


def load(path: str | Path, *, device: str = "cpu") -> LoadedModel:
    """Read a `.distillgan` file into a ready model; raises BundleError for a file that is not to be
    trusted.
    """
    from distill.bundle.loaded import load_bundle

    return load_bundle(path, device=device)
