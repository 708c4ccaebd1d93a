"""distill: train a discrete audio model on your own sounds. Importing this is fast."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, Any

from distill.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from distill.bundle.loaded import LoadedModel
    from distill.train.building import CodecParts
    from distill.train.fitting import FittedRun

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
    from distill.catalog.catalog import Catalog
    from distill.catalog.index import DEFAULT_FOLDER
    from distill.catalog.run_model import bundle_at
    from distill.system.paths import path_of
    from distill.system.threads import little_spinning

    with little_spinning():
        from distill.bundle.loading import load_bundle
    if isinstance(model, str):
        model = Catalog(path_of(library or DEFAULT_FOLDER)).model_path(model)
    else:
        model = bundle_at(model)
    return load_bundle(model, device=device)


def fit(folder: str | Path | Sequence[str | Path] | None = None, /, **settings: Any) -> FittedRun:
    """Train a model on a folder of sounds, or several; without one, on the demo collection.

    Settings are those of `python -m distill.train`, a group as a dictionary, or with dots:
    `distill.fit("sounds", stages=["codec"], rvq={"levels": 4}, **{"trainer.max_epochs": 20})`;
    `resume` and `base` are among them. Ctrl-C, or a notebook's Stop button, saves the run and
    returns it; a second one raises KeyboardInterrupt at once.
    The process is left as it was; it may be any thread's.

    Raises DistillError, with one line, for what the user can correct.
    """
    from distill.system.threads import little_spinning

    with little_spinning():
        from distill.train.fitting import fit
    return fit(folder, settings)


def prepare(
    folder: str | Path | Sequence[str | Path] | None = None, /, **settings: Any
) -> CodecParts:
    """A codec's LightningModule and DataModule, for a `lightning.Trainer` of your own, which needs
    `num_sanity_val_steps=0`. Settings as of `fit`; those of callbacks, logger and later stages mean
    nothing here. Reads the sounds. Raises DistillError.
    """
    from distill.system.threads import little_spinning

    with little_spinning():
        from distill.train.building import prepare
    return prepare(folder, settings)
