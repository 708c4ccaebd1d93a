"""bundle → library folder: safe names, all facts entered, nothing of another model touched."""

from __future__ import annotations

import random
import re
import shutil
import unicodedata
from pathlib import Path

import pytest

from distill.bundle.loading import load_bundle
from distill.catalog.catalog import Catalog
from distill.catalog.entry import CURVE_POINTS, Entry
from distill.catalog.files import file_stem
from distill.errors import BundleError
from tests.helpers.made_bundle import (
    STATES,
    index_of,
    make_bundle,
    publish_bundle,
    tiny_fields,
)
from tests.helpers.tiny_bundle import SOUNDS


def files_in(library: Catalog) -> list[str]:
    """What a person sees in the folder."""
    return sorted(path.name for path in library.folder.iterdir() if path.name[0] != ".")


# -- names -----------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("My Kit 7", "my_kit_7"),
        ("a-b_c", "a-b_c"),
        ("../../etc/passwd", "etc_passwd"),
        ("C:\\kits\\one", "c_kits_one"),
        ("a\0b\nc", "a_b_c"),
        ("Küche", "kuche"),
        ("Ku\u0308che", "kuche"),  # the same as macOS writes it
        ("Çaça ñandú", "caca_nandu"),
        ("ﬁne ②", "fine_2"),
        ("kit 鼓", "kit_鼓"),
        ("Барабаны 7", "барабаны_7"),
        ("がく", "がく"),  # its mark is no accent
        ("ताल", "ताल"),
        ("한국", "한국"),
        ("鼓" * 300, "鼓" * 66),
        ("CON", "con_"),
        ("com1.", "com1_"),
        ("—", "untitled"),
        ("", "untitled"),
        ("x" * 300, "x" * 100),
        ("é" * 300, "e" * 100),
    ],
)
def test_names_become_safe_file_names(name: str, stem: str) -> None:
    assert file_stem(name) == stem


def test_any_name_becomes_a_safe_file_name() -> None:
    chance = random.Random(0)
    for _ in range(300):
        name = "".join(chr(chance.randrange(0x3000)) for _ in range(chance.randrange(150)))
        stem = file_stem(name)
        marks = {letter for letter in stem if unicodedata.category(letter)[0] == "M"}
        assert re.fullmatch(r"[\w-]{1,100}", "".join(each for each in stem if each not in marks))
        assert len(stem.encode()) <= 200
        assert stem == unicodedata.normalize("NFC", stem)


@pytest.mark.parametrize("name", ["../up", "/tmp/up", "..", ".hidden", "a/../../up"])
def test_no_name_leads_out_of_the_folder(library: Catalog, tmp_path: Path, name: str) -> None:
    path = library.path_of(publish_bundle(library, name))
    assert path.parent == library.folder
    assert path.is_file()
    assert path.name[0] != "."
    assert {entry.name for entry in tmp_path.iterdir()} == {"library", "runs"}


@pytest.mark.parametrize("name", ["caf\udce9", "x\ud800", "\x1b[31mred", "🥁" * 200, ""])
def test_a_model_of_any_name_is_published_and_listed(library: Catalog, name: str) -> None:
    """A run is named after its folder, and a folder's name may be any bytes."""
    publish_bundle(library, "before")
    publish_bundle(library, name)
    publish_bundle(library, "after")
    assert [entry.final_train_loss for entry in library.entries()] == [0.5] * 3
    assert library.find("before").name == "before"


# -- publishing ------------------------------------------------------


def test_published_file_is_the_bundle(library: Catalog, tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "best.distillgan", name="My Kit")
    path = library.publish(bundle)
    assert path == library.folder / "my_kit.distillgan"
    assert path.read_bytes() == bundle.read_bytes()
    assert files_in(library) == ["model_library.json", "my_kit.distillgan"]


def test_all_that_is_known_is_entered(library: Catalog) -> None:
    entry = publish_bundle(
        library, "Küche – 🥁", fields=STATES, model_id="ab12cd34", tags=["a", "b"]
    )
    metadata = tiny_fields()["metadata"]
    path = library.path_of(entry)
    assert (entry.id, entry.name, entry.file) == ("ab12cd34", "Küche – 🥁", "kuche.distillgan")
    assert entry.size_bytes == path.stat().st_size
    assert entry.checksum == load_bundle(path).checksum
    assert entry.codec_digest == load_bundle(path).codec.digest
    assert entry.tags == ["a", "b"]
    for key in (
        *("description", "dataset_name", "dataset_file_count", "dataset_total_duration_s"),
        *("training_date", "save_date", "training_epochs", "final_train_loss", "final_val_loss"),
        "distill_version",
    ):
        assert getattr(entry, key) == metadata[key], key
    assert (entry.levels, entry.codebook_size, entry.sample_rate_hz) == (2, 8, 16_000)
    # 16000 / 128 frames, 16 to a column, 2 rows, 2 levels of 3 bits
    assert entry.bitrate_kbps == pytest.approx(16_000 / 128 / 16 * 2 * 2 * 3 / 1000, abs=5e-4)
    assert entry.codebook_health == tiny_fields()["codebook_health_snapshot"]
    assert entry.heard == {"mel_db": 10, "onset_db": 9, "peak_db": 2, "level_db": -1.5}
    assert entry.loss_curve == {"train_losses": [1.0, 0.5], "val_losses": [1.25, 0.75]}
    its_sounds = {**SOUNDS, "other_sounds": False}
    assert entry.to_json()["vocoder"] == {
        "type": "hifigan_v2",
        "epochs": 200,
        "final_loss": 0.5,
        "training_date": "2025-01-02",
        **its_sounds,
    }
    assert entry.to_json()["prior"] == {
        "type": "transformer",
        "epochs": 30,
        "final_bits_per_s": 812.5,
        "classes": ["kick", "snare"],
        "sounds": 6,
        "training_date": "2025-01-03",
        **its_sounds,
    }


def test_what_was_not_measured_is_not_entered(library: Catalog) -> None:
    """Nor does its index lack anything."""
    curves = tiny_fields()["loss_curve_history"]
    unknown = {"val_onset_db": [], "val_peak_db": [], "val_level_db": [float("nan")]}
    entry = publish_bundle(library, "kit", fields={"loss_curve_history": {**curves, **unknown}})
    assert entry.heard == {"mel_db": 10}
    value = entry.to_json()
    del value["heard"]
    assert Entry.from_json(value).heard == {}


def test_index_is_plain_json_of_version_2(library: Catalog) -> None:
    entry = publish_bundle(library, "kit")
    value = index_of(library)
    assert value["version"] == 2
    assert value["models"] == [entry.to_json()]
    assert value["models"][0]["vocoder"] is None
    assert value["models"][0]["prior"] is None


def test_numbers_that_json_has_not_become_null(library: Catalog) -> None:
    nan, health = float("nan"), tiny_fields()["codebook_health_snapshot"]
    history = {**tiny_fields()["loss_curve_history"], "val_losses": [nan, float("inf"), 0.5]}
    fields = {
        "loss_curve_history": history,
        "codebook_health_snapshot": {"level_0": {**health["level_0"], "perplexity": nan}},
    }
    publish_bundle(library, "kit", fields=fields, final_train_loss=nan, final_val_loss=float("inf"))
    (model,) = index_of(library)["models"]
    assert model["final_train_loss"] is None
    assert model["final_val_loss"] is None
    assert model["loss_curve"]["val_losses"] == [None, None, 0.5]
    assert model["codebook_health"]["level_0"]["perplexity"] is None


@pytest.mark.parametrize("epochs", [0, 1, 47, 48, 49, 1000])
def test_curve_of_a_long_run_is_kept_short(library: Catalog, epochs: int) -> None:
    losses = [float(epochs - number) for number in range(epochs)]
    history = {**tiny_fields()["loss_curve_history"], "val_losses": losses}
    entry = publish_bundle(library, "kit", fields={"loss_curve_history": history})
    curve = [value for value in entry.loss_curve["val_losses"] if value is not None]
    assert len(curve) == min(epochs, CURVE_POINTS)
    assert curve == sorted(curve, reverse=True)
    assert not epochs or sum(curve) / len(curve) == pytest.approx((epochs + 1) / 2, rel=0.01)


def test_models_of_one_name_are_numbered(library: Catalog) -> None:
    entries = [publish_bundle(library, name) for name in ("kit", "Kit", "KIT!")]
    files = ["kit.distillgan", "kit_1.distillgan", "kit_2.distillgan"]
    assert [entry.file for entry in entries] == files
    assert [entry.file for entry in library.entries()] == files
    for entry in entries:
        assert load_bundle(library.path_of(entry)).metadata.model_id == entry.id


def test_file_that_is_not_on_the_list_is_not_overwritten(library: Catalog) -> None:
    library.folder.mkdir()
    (library.folder / "kit.distillgan").write_bytes(b"somebody's")
    assert publish_bundle(library, "kit").file == "kit_1.distillgan"
    assert (library.folder / "kit.distillgan").read_bytes() == b"somebody's"


def test_a_run_that_goes_on_replaces_its_own_model(library: Catalog, tmp_path: Path) -> None:
    first, other = publish_bundle(library, "kit"), publish_bundle(library, "other")
    further = make_bundle(
        tmp_path / "f.distillgan", name="kit", model_id=first.id, training_epochs=9
    )
    assert library.publish(further) == library.path_of(first)
    assert library.path_of(first).read_bytes() == further.read_bytes()
    assert {entry.file: entry.training_epochs for entry in library.entries()} == {
        other.file: 2,
        first.file: 9,
    }
    assert library.find(first.id).size_bytes == further.stat().st_size


def test_a_run_that_goes_on_replaces_its_own_model_only(library: Catalog, tmp_path: Path) -> None:
    other = publish_bundle(library, "other")
    before = library.path_of(other).read_bytes()
    place = library.publish(make_bundle(tmp_path / "n.distillgan", name="other"))
    assert place.name == "other_1.distillgan"
    assert library.path_of(other).read_bytes() == before
    assert len(library.entries()) == 2


def test_what_is_no_bundle_is_not_published(library: Catalog, tmp_path: Path) -> None:
    publish_bundle(library, "kit")
    before = files_in(library), index_of(library)
    (tmp_path / "bad.distillgan").write_bytes(b"PK\x03\x04 and no more")
    (tmp_path / "old.distill").write_bytes(b"")
    for name in ("bad.distillgan", "old.distill", "missing.distillgan"):
        with pytest.raises(BundleError):
            library.publish(tmp_path / name)
    assert (files_in(library), index_of(library)) == before


# -- deleting --------------------------------------------------------


def test_deleted_model_is_gone_and_others_stay(library: Catalog) -> None:
    entries = {name: publish_bundle(library, name) for name in ("snares", "kit", "hats")}
    library.delete(entries["kit"])
    assert [entry.name for entry in library.entries()] == ["snares", "hats"]
    assert files_in(library) == ["hats.distillgan", "model_library.json", "snares.distillgan"]


def test_model_whose_file_is_gone_can_be_deleted(library: Catalog) -> None:
    entry = publish_bundle(library, "kit")
    library.path_of(entry).unlink()
    library.delete(entry)
    assert library.entries() == []


def test_the_very_same_model_is_known(library: Catalog, tmp_path: Path) -> None:
    path = library.path_of(publish_bundle(library, "kit"))
    copy = Path(shutil.copy(path, tmp_path / "copy.distillgan"))
    assert library.add(copy) == (path, False)
    path.unlink()
    assert library.add(copy) == (path, True)
