"""`model_library.json` damaged or newer: what is whole stays usable, nothing is lost."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from distill.catalog.catalog import Catalog
from distill.catalog.index import NAME
from distill.errors import LibraryError
from tests.helpers.made_bundle import alter_entry, index_of, make_bundle, names, publish_bundle

LONG = "x" * 300


# -- one entry is damaged --------------------------------------------

DAMAGE: list[tuple[str, object]] = [
    ("file", "../one.distillgan"),
    ("file", "/tmp/one.distillgan"),
    ("file", "sub/one.distillgan"),
    ("file", ".one.distillgan"),
    ("file", "one.distill"),
    ("file", "one\0.distillgan"),
    ("file", f"{LONG}.distillgan"),
    ("file", ""),
    ("file", None),
    ("name", 5),
    ("levels", "2"),
    ("levels", True),
    ("size_bytes", None),
    ("final_val_loss", "0.5"),
    ("final_val_loss", 10**400),
    ("codebook_health", []),
    ("codebook_health", {"level_0": 0.5}),
    ("loss_curve", {}),
    ("loss_curve", {"train_losses": [1.0], "val_losses": ["x"]}),
    ("tags", [1]),
    ("vocoder", "hifigan_v2"),
    ("vocoder", {"type": "hifigan_v2", "epochs": 200, "final_loss": None}),
    ("prior", {"type": 5, "epochs": 1, "final_bits_per_s": 1.0, "training_date": ""}),
    ("codec_digest", None),
]


@pytest.mark.parametrize(("key", "value"), DAMAGE, ids=lambda value: str(value)[:30])
def test_damaged_entry_is_skipped_with_a_warning(
    two: Catalog, caplog: pytest.LogCaptureFixture, key: str, value: object
) -> None:
    alter_entry(two, 0, **{key: value})
    assert names(two) == ["two"]
    assert len(caplog.messages) == 1
    assert "entry 0 is skipped" in caplog.text
    assert "python -m distill.library repair" in caplog.text
    assert two.model_path("two").is_file()


@pytest.mark.parametrize(
    "key", ["id", "file", "vocoder", "loss_curve", "bitrate_kbps", "codec_digest", "prior"]
)
def test_entry_that_lacks_a_key_is_damaged(
    two: Catalog, caplog: pytest.LogCaptureFixture, key: str
) -> None:
    value = index_of(two)
    del value["models"][1][key]
    (two.folder / NAME).write_text(json.dumps(value))
    assert names(two) == ["one"]
    assert f"entry 1 is skipped: the key {key} is missing" in caplog.text


@pytest.mark.parametrize("entry", [None, 5, "one", [], {}])
def test_entry_that_is_none_is_damaged(two: Catalog, entry: object) -> None:
    value = index_of(two)
    value["models"].insert(1, entry)
    (two.folder / NAME).write_text(json.dumps(value))
    assert names(two) == ["one", "two"]


def test_numbers_that_json_has_not_do_not_come_back(
    two: Catalog, caplog: pytest.LogCaptureFixture
) -> None:
    """Python reads them; what is printed as JSON must not hold them."""
    text = (two.folder / NAME).read_text()
    spoilt = text.replace('"final_train_loss": 0.5', '"final_train_loss": NaN', 1)
    (two.folder / NAME).write_text(spoilt)
    assert names(two) == ["two"]
    assert "entry 0 is skipped: final_train_loss must be a number or null, not nan" in caplog.text


def test_facts_unknown_to_this_version_are_no_damage(
    two: Catalog, caplog: pytest.LogCaptureFixture
) -> None:
    alter_entry(two, 0, stars=5)
    assert names(two) == ["one", "two"]
    assert caplog.messages == []


def test_damaged_entry_stays_in_the_file_until_a_repair(two: Catalog) -> None:
    damaged = alter_entry(two, 0, levels="2")
    publish_bundle(two, "three")
    two.delete(two.find("two"))
    assert damaged in index_of(two)["models"]
    assert names(two) == ["three"]
    done = two.repair()
    assert (done.added, len(done.dropped), done.kept) == (["one.distillgan"], 1, 1)
    assert sorted(names(two)) == ["one", "three"]
    assert damaged not in index_of(two)["models"]


# -- a newer distill's index -----------------------------------------


@pytest.fixture
def newer(two: Catalog) -> bytes:
    """What the index of `two` holds after a newer distill changed it."""
    value = {**index_of(two), "version": 3, "shelves": ["left"]}
    (two.folder / NAME).write_text(json.dumps(value))
    return (two.folder / NAME).read_bytes()


def test_newer_index_is_read_with_a_warning(
    two: Catalog, newer: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    assert names(two) == ["one", "two"]
    assert two.model_path("one").is_file()
    assert "was written by a newer distill (version 3)" in caplog.text


def test_newer_index_is_not_changed(two: Catalog, newer: bytes, tmp_path: Path) -> None:
    one, bundle = two.find("one"), make_bundle(tmp_path / "b.distillgan", name="three")
    for change in (lambda: two.publish(bundle), lambda: two.delete(one), two.repair):
        with pytest.raises(LibraryError, match="newer distill .version 3.*please upgrade"):
            change()
        assert (two.folder / NAME).read_bytes() == newer
    assert two.path_of(one).is_file()
    published_file = two.folder / "three.distillgan"
    assert published_file.read_bytes() == bundle.read_bytes()  # for the newer one's repair


# -- the whole index is damaged --------------------------------------

NO_INDEX = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'{"models": []}',
    b'{"version": "2", "models": []}',
    b'{"version": true, "models": []}',
    b'{"version": 2, "models": {}}',
    b"\xff\xfe\x00",
    b"[" * 100_000,
]


@pytest.mark.parametrize("content", NO_INDEX, ids=lambda content: str(content[:20]))
def test_damaged_index_is_set_aside_and_made_again(
    two: Catalog, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    (two.folder / NAME).write_bytes(content)
    for look in (two.entries, lambda: two.find("one")):
        with pytest.raises(
            LibraryError,
            match="damaged; to make it again .*: `python -m distill.library repair",
        ):
            look()
    assert (two.folder / NAME).read_bytes() == content
    assert publish_bundle(two, "three").file == "three.distillgan"
    assert sorted(names(two)) == ["one", "three", "two"]
    assert "renamed to model_library.damaged.json" in caplog.text
    assert (two.folder / "model_library.damaged.json").read_bytes() == content
    assert len(index_of(two)["models"]) == 3


def test_repair_of_a_damaged_index_loses_no_model(two: Catalog) -> None:
    before = two.entries()
    (two.folder / NAME).write_bytes(b"{")
    two.repair()
    assert sorted(two.entries(), key=lambda entry: entry.name) == before
    assert (two.folder / "model_library.damaged.json").read_bytes() == b"{"


def test_an_index_that_is_no_file_or_huge_is_damaged(two: Catalog) -> None:
    """A stranger's folder may hold anything under that name."""
    index = two.folder / NAME
    index.unlink()
    os.mkfifo(index)
    with pytest.raises(LibraryError, match="damaged"):
        two.entries()
    index.unlink()
    with index.open("wb") as file:
        file.truncate(1 << 40)  # takes no room on the disk
    with pytest.raises(LibraryError, match="damaged"):
        two.entries()
    assert two.repair().kept == 2
    assert names(two) == ["one", "two"]
