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


def load(path: str | Path, *, device: str = "cpu") -> LoadedModel:
    """Read a `.distillgan` file into a ready model; raises BundleError for a file that is not to be
    trusted.
    """
    from distill.bundle.loading import load_bundle

    return load_bundle(path, device=device)
