"""a model's file → the same, or the same without its sounds, to be handed over. Needs torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from distill.bundle.reader import read_content
from distill.catalog.conversion import bundle_of
from distill.prior.prior import SOUNDS


@contextmanager
def shared(bundle: Path, *, with_sounds: bool) -> Iterator[Path]:
    """The path of a bundle with the content of a model's file; without sounds, its prior keeps no
    codes and no names of what it was trained on, and all else stays. Raises BundleError.
    """
    state = None if with_sounds else read_content(bundle).get("prior_state")
    if not state:
        with bundle_of(bundle, {}) as same:
            yield same
        return
    codes = state["state_dict"][SOUNDS]
    none = codes.new_empty((codes.shape[0], 0, codes.shape[2]))  # a view would keep them all
    weights = {**state["state_dict"], SOUNDS: none}
    parts = {**state, "state_dict": weights, "config": {**state["config"], "sounds": []}}
    with bundle_of(bundle, {}, parts={"prior_state": parts}) as other:
        yield other
