"""Bundles that differ in what they say of themselves, and libraries of them, made in a moment."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from distill.bundle.format import write_bundle
from distill.catalog.catalog import Catalog
from distill.catalog.entry import Entry
from distill.catalog.index import NAME
from tests.helpers.tiny_bundle import fields_of, prior_state, tiny_model, vocoder_state

VOCODER = {"vocoder_state": vocoder_state()}
STATES = {**VOCODER, "prior_state": prior_state()}
"""All that a bundle may hold besides its codec."""
tiny_fields = cache(lambda seed=0: fields_of(tiny_model(seed)))


def make_bundle(path: Path, *, fields: dict[str, Any] | None = None, **metadata: object) -> Path:
    """A bundle with other fields or metadata than the tiny one; the id follows from the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    own = {"model_id": hashlib.sha256(str(path).encode()).hexdigest()[:16], **metadata}
    content = {**tiny_fields(), **(fields or {})}
    write_bundle(path, {**content, "metadata": {**content["metadata"], **own}})
    return path


def bundle(path: Path, *, seed: int = 0, **metadata: Any) -> Path:
    """A tiny model, or with another seed another; written if it is not there."""
    if not path.exists():
        fields = tiny_fields(seed)
        write_bundle(path, {**fields, "metadata": {**fields["metadata"], **metadata}})
    return path


def publish_bundle(
    library: Catalog, name: str, *, fields: dict[str, Any] | None = None, **metadata: object
) -> Entry:
    """The entry of a new model in the library."""
    runs = library.folder.parent / "runs"
    count = len(list(runs.glob("*"))) if runs.exists() else 0
    bundle = make_bundle(runs / f"{count}.distillgan", fields=fields, name=name, **metadata)
    file = library.publish(bundle).name
    return next(entry for entry in library.entries() if entry.file == file)


def names(library: Catalog) -> list[str]:
    """Of the models on the list, in its order."""
    return [entry.name for entry in library.entries()]


def index_of(library: Catalog) -> dict[str, Any]:
    """The index as any other program would read it: strict JSON."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    text = (library.folder / NAME).read_text(encoding="utf-8")
    value: dict[str, Any] = json.loads(text, parse_constant=refuse)
    return value


def alter_entry(library: Catalog, number: int, **changes: object) -> dict[str, Any]:
    """Change an entry in the file by hand; returns what it now says."""
    value = index_of(library)
    value["models"][number].update(changes)
    (library.folder / NAME).write_text(json.dumps(value), encoding="utf-8")
    entry: dict[str, Any] = value["models"][number]
    return entry
