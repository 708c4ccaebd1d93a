"""distill: a discrete audio model of your own sounds. Imports nothing heavy."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from distill.codec.loaded import LoadedModel

__version__ = "0.1.0"

if sys.argv[:1] == ["-m"] and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # `python -m distill.train` at work on its imports: Ctrl-C ends it without a traceback
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def load(
    model: str | Path, *, library: str | Path | None = None, device: str = "cpu"
) -> LoadedModel:
    """Read a model, ready to work: a `.distillgan` file, the folder of a run, or a name or id (or
    its beginning) in the library, which is `outputs/library` unless given.

    Raises BundleError for a file that is not to be trusted, LibraryError where there is no such
    model.
    """
    from distill.bundle.loading import load_bundle
    from distill.catalog.catalog import Catalog
    from distill.catalog.index import DEFAULT_FOLDER
    from distill.system.paths import path_of

    if isinstance(model, str):
        model = Catalog(path_of(library or DEFAULT_FOLDER)).model_path(model)
    elif model.is_dir() and (model / "best.distillgan").is_file():
        model = model / "best.distillgan"
    return load_bundle(model, device=device)
