"""a library folder that its index does not fit → an index made again from the files."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from distill.bundle.loading import load_bundle
from distill.catalog.catalog import STALE_S, Catalog
from distill.catalog.files import files_in
from distill.catalog.index import NAME
from distill.errors import BundleError, LibraryError
from tests.helpers.made_bundle import (
    STATES,
    index_of,
    make_bundle,
    names,
    publish_bundle,
    tiny_fields,
)
from tests.helpers.tiny_bundle import vocoder_state


def test_index_can_be_made_again_from_the_files(library: Catalog) -> None:
    publish_bundle(library, "a", fields=STATES, tags=["x"])
    publish_bundle(library, "b", final_val_loss=float("nan"))
    before = index_of(library)
    (library.folder / NAME).unlink()
    done = library.repair()
    assert done.added == ["a.distillgan", "b.distillgan"]
    assert index_of(library) == before
    (library.folder / NAME).unlink()
    assert names(library) == ["a", "b"], "or when it is read"
    assert index_of(library) == before


def test_repair_of_what_is_right_changes_nothing(two: Catalog) -> None:
    before = (two.folder / NAME).read_bytes()
    done = two.repair()
    assert (done.added, done.dropped, done.refused, done.kept) == ([], [], {}, 2)
    assert (two.folder / NAME).read_bytes() == before


def test_repair_drops_what_is_gone(two: Catalog) -> None:
    (two.folder / "one.distillgan").unlink()
    assert two.repair().dropped == ["one.distillgan"]
    assert names(two) == ["two"]


@pytest.mark.parametrize("description", ["", "x" * 5000], ids=["same size", "other size"])
def test_repair_describes_a_file_again_that_was_replaced(
    two: Catalog, tmp_path: Path, description: str
) -> None:
    """Files of one kind of network are of one size: what the index says is told by the content."""
    other = make_bundle(tmp_path / "b.distillgan", name="new", description=description)
    shutil.copy(other, two.folder / "one.distillgan")
    two.repair()
    assert two.find("one.distillgan").name == "new"
    assert two.find("one.distillgan").size_bytes == other.stat().st_size
    assert sorted(names(two)) == ["new", "two"]


def spoilt_vocoder(value: object) -> dict[str, Any]:
    state = vocoder_state()
    return {**state, "training_metadata": {**state["training_metadata"], "epochs": value}}


@pytest.mark.parametrize("value", [b"x", {"a": [b"x"]}, torch.zeros(2)], ids=repr)
def test_one_strange_bundle_does_not_stand_in_the_way(two: Catalog, value: object) -> None:
    """Of plain values, but none that an index can hold."""
    make_bundle(two.folder / "strange.distillgan", fields={"vocoder_state": spoilt_vocoder(value)})
    make_bundle(two.folder / "three.distillgan", name="three")
    done = two.repair()
    assert done.added == ["three.distillgan"]
    assert list(done.refused) == ["strange.distillgan"]
    assert sorted(names(two)) == ["one", "three", "two"]


def test_repair_leaves_what_is_no_model_and_says_why(two: Catalog) -> None:
    junk = two.folder / "junk.distillgan"
    junk.write_bytes(b"RIFF....WAVE")
    done = two.repair()
    assert done.refused == {"junk.distillgan": "truncated or not a .distillgan file"}
    assert junk.read_bytes() == b"RIFF....WAVE"
    assert names(two) == ["one", "two"]


def test_repair_does_not_read_the_weights(library: Catalog) -> None:
    """Shown by weights that are damaged: the model is listed, and refused when it is used."""
    path = make_bundle(library.folder / "kit.distillgan", name="kit")
    weights = tiny_fields()["model_state_dict"]["decoder.from_latent.weight"].numpy().tobytes()
    data = path.read_bytes()
    assert data.count(weights) == 1
    path.write_bytes(data.replace(weights, bytes(len(weights))))
    assert library.repair().added == ["kit.distillgan"]
    assert library.find("kit").levels == 2
    with pytest.raises(BundleError, match="altered or damaged"):
        load_bundle(library.model_path("kit"))


def test_file_whose_name_is_no_unicode_spoils_nothing(two: Catalog) -> None:
    path = os.path.join(os.fsencode(two.folder), b"caf\xe9.distillgan")
    shutil.copy(os.fsencode(two.folder / "one.distillgan"), path)
    done = two.repair()
    assert not any("damaged" in reason for reason in done.refused.values()), done.refused
    assert {"one", "two"} <= set(names(two))
    publish_bundle(two, "three")
    assert {"one", "two", "three"} <= set(names(two))
    assert os.path.exists(path)


def test_other_files_are_invisible(two: Catalog) -> None:
    for name in ("old.distill", "notes.txt", ".hidden.distillgan"):
        shutil.copy(two.folder / "one.distillgan", two.folder / name)
    (two.folder / "folder.distillgan").mkdir()
    assert [name for name, _, _ in files_in(two.folder)] == ["one.distillgan", "two.distillgan"]
    done = two.repair()
    assert (done.added, done.dropped, done.refused, done.kept) == ([], [], {}, 2)
    assert (two.folder / "old.distill").is_file()
    with pytest.raises(LibraryError):
        two.find("old")


def test_repair_clears_away_what_a_killed_publisher_left(two: Catalog) -> None:
    old, young = two.folder / ".kit.distillgan.1.part", two.folder / ".kit.distillgan.2.part"
    for path in (old, young):
        path.write_bytes(b"half")
    hours_ago = time.time() - STALE_S - 1
    os.utime(old, (hours_ago, hours_ago))
    two.repair()
    assert not old.exists()
    assert young.exists()  # somebody may be writing it now
