"""distill: train a discrete audio model on your own sounds. Importing this is fast."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

from distill.version import VERSION

if TYPE_CHECKING:
    from pathlib import Path

    from distill.bundle.loaded import LoadedModel

__version__ = VERSION

if sys.argv[:1] == ["-m"] and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # while `python -m distill.train` is importing, Ctrl-C ends it without a traceback
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def load(
    model: str | Path, *, library: str | Path | None = None, device: str = "cpu"
) -> LoadedModel:
    """Load a model, ready to encode and decode. `model` is a `.distillgan` file, the folder of a
    run, or a name, an id or the beginning of an id in the library (default: `outputs/library`).

    Raises BundleError for a file that is damaged or not a model, LibraryError if there is no such
    model.
    """
    from distill.bundle.loading import load_bundle
    from distill.catalog.catalog import Catalog
    from distill.catalog.index import DEFAULT_FOLDER
    from distill.catalog.run_model import bundle_at
    from distill.system.paths import path_of

    if isinstance(model, str):
        model = Catalog(path_of(library or DEFAULT_FOLDER)).model_path(model)
    else:
        model = bundle_at(model)
    return load_bundle(model, device=device)
