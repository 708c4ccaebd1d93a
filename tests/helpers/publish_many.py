"""`publish_many LIBRARY NAME COUNT`: publishes as many new models of one name, as runs would."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from distill.catalog.catalog import Catalog
from tests.helpers.made_bundle import make_bundle


def main() -> None:
    """Print each as it arrives."""
    library, name, count = Catalog(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3])
    for number in range(count):
        bundle = library.folder.parent / "runs" / f"{os.getpid()}_{number}.distillgan"
        print(library.publish(make_bundle(bundle, name=name)).name, flush=True)
