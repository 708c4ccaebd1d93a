"""what a user types → the one model that is meant, or one line that says what there is."""

from __future__ import annotations

import shutil
import unicodedata
from pathlib import Path

import pytest

import distill
from distill.bundle.loading import load_bundle
from distill.catalog import index
from distill.catalog.catalog import Catalog
from distill.errors import BundleError, DistillError, LibraryError
from tests.helpers.made_bundle import bundle, index_of, make_bundle, names, publish_bundle

ID = "abcd111122223333"


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """A library with My Kit and two others; read only."""
    library = Catalog(tmp_path_factory.mktemp("shelf") / "library")
    publish_bundle(library, "Snares", model_id="ffff000000000000")
    publish_bundle(library, "My Kit", model_id=ID)
    publish_bundle(library, "Hats", model_id="abce000000000000")
    return library


def refused(library: Catalog, wanted: str) -> str:
    """Why a model is not found."""
    with pytest.raises(LibraryError) as caught:
        library.find(wanted)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "wanted",
    ["my_kit.distillgan", "my_kit", "My Kit", ID, "abcd", "ABCD1111", "abcd1"],
)
def test_model_is_found_by_what_the_list_shows(shelf: Catalog, wanted: str) -> None:
    assert shelf.find(wanted).name == "My Kit"
    assert shelf.model_path(wanted) == shelf.folder / "my_kit.distillgan"


@pytest.mark.parametrize("wanted", ["abc", "bcd1", "", "my", "Kit", f"{ID}f"])
def test_other_parts_of_a_name_or_id_find_nothing(shelf: Catalog, wanted: str) -> None:
    told = refused(shelf, wanted)
    assert "no such model file" in told
    assert str(shelf.folder) in told
    assert "it has Hats, My Kit, Snares" in told


def test_what_can_mean_several_models_names_them(library: Catalog) -> None:
    one = publish_bundle(library, "My Kit", model_id="abcd111122223333")
    publish_bundle(library, "My Kit", model_id="abcd222222223333")
    for wanted in ("My Kit", "abcd"):
        told = refused(library, wanted)
        assert "several models" in told
        assert "my_kit.distillgan (id abcd1111), my_kit_1.distillgan (id abcd2222)" in told
    assert library.find("abcd1") == one


def test_a_name_is_found_however_its_accents_are_written(library: Catalog) -> None:
    names = [unicodedata.normalize(form, "Ёлка é") for form in ("NFC", "NFD")]
    published = publish_bundle(library, names[1])
    assert published.file == "ёлка_e.distillgan"
    for wanted in (*names, unicodedata.normalize("NFD", "ёлка_e")):
        assert library.find(wanted) == published


def test_two_states_of_one_run_are_not_mixed_up(library: Catalog) -> None:
    """Where somebody has put both into the folder."""
    for number in (0, 1):
        name = f"kit{'_1' * number}.distillgan"
        make_bundle(library.folder / name, name="kit", model_id=ID, training_epochs=number + 1)
    assert "kit.distillgan (id abcd1111), kit_1.distillgan (id abcd1111)" in refused(library, ID)
    assert library.find("kit_1").training_epochs == 2


def test_of_several_of_a_name_the_file_name_means_one(library: Catalog, tmp_path: Path) -> None:
    for epochs in (1, 2):
        publish_bundle(library, "kit", model_id=f"{epochs}bcd000000000000", training_epochs=epochs)
    for wanted, epochs in (("kit", 1), ("kit_1", 2)):
        for place in ("", f"{library.folder}/"):
            assert library.find(f"{place}{wanted}").training_epochs == epochs
            assert library.find(f"{place}{wanted}.distillgan").training_epochs == epochs
    assert "no such model" in refused(library, f"{tmp_path}/kit")


def test_copies_of_one_model_are_one(library: Catalog) -> None:
    entry = publish_bundle(library, "My Kit", model_id=ID)
    shutil.copy(library.path_of(entry), library.folder / "copy.distillgan")
    assert len(library.entries()) == 2
    assert library.find("abcd1111").checksum == entry.checksum


def test_empty_library_says_so(library: Catalog) -> None:
    assert "it is empty" in refused(library, "kit")
    assert library.entries() == []
    assert not library.folder.exists()


def test_many_models_are_not_all_named(library: Catalog) -> None:
    for number in range(9):
        publish_bundle(library, f"kit {number}")
    told = refused(library, "nothing")
    assert "kit 0, kit 1" in told
    assert "kit 8" not in told
    assert told.endswith("...")


def test_path_and_run_folder_come_before_names(
    shelf: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = make_bundle(tmp_path / "my_kit" / "best.distillgan")
    assert shelf.model_path("my_kit").resolve() == run
    assert shelf.model_path(str(run.parent)) == run
    assert shelf.model_path(str(run)) == run
    monkeypatch.setenv("HOME", str(tmp_path))
    assert shelf.model_path("~/my_kit") == run


def test_folder_that_is_no_run_does_not_hide_a_model(
    shelf: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my_kit").mkdir()
    assert shelf.model_path("my_kit") == shelf.folder / "my_kit.distillgan"


@pytest.mark.parametrize("wanted", ["runs/none.distillgan", "/nowhere/x"])
def test_missing_path_is_told(shelf: Catalog, wanted: str) -> None:
    with pytest.raises(LibraryError, match=f"{wanted}: no such file"):
        shelf.model_path(wanted)


def test_model_of_the_old_format_is_left_to_the_reader_to_refuse(shelf: Catalog) -> None:
    assert shelf.model_path("old.distill") == Path("old.distill")


@pytest.mark.parametrize("wanted", ["~nobody-here", "~nobody-here/x", "x" * 300, "a\0b"])
def test_what_can_be_no_path_is_no_model(library: Catalog, wanted: str) -> None:
    with pytest.raises(DistillError):
        load_bundle(library.model_path(wanted))


def test_what_was_done_to_the_files_by_hand_is_entered_and_told(
    two: Catalog, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (two.folder / "one.distillgan").unlink()
    copied = make_bundle(two.folder / "found.distillgan", name="Found")
    (two.folder / "junk.distillgan").write_bytes(b"")
    assert two.model_path("Found") == copied
    assert "no such model" in refused(two, "one")
    told = "added: found.distillgan; gone: one.distillgan; left out: junk.distillgan: truncated"
    (line,) = caplog.messages
    assert told in line
    assert names(two) == ["two", "Found"]
    caplog.clear()
    (two.folder / "junk.distillgan").unlink()
    make_bundle(tmp_path / "x.distillgan", name="other", description="x" * 900).rename(copied)
    assert [model["name"] for model in index_of(two)["models"]] == ["two", "Found"]
    assert names(Catalog(two.folder)) == ["two", "other"], "a file that was replaced is another"
    assert [model["name"] for model in index_of(two)["models"]] == ["two", "other"]


def test_a_library_that_can_only_be_read_is_read(
    two: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, text: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(index, "write_text", refuse)
    copied = make_bundle(two.folder / "found.distillgan", name="Found")
    assert two.model_path("Found") == copied


def test_a_model_is_loaded_by_what_the_verbs_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "run"
    run.mkdir()
    bundle(run / "best.distillgan")
    Catalog(Path("outputs/library")).publish(run / "best.distillgan")
    Catalog(Path("shelf")).publish(run / "best.distillgan")
    for wanted in ("tiny", "Tiny – 🥁", "0123", "run", run, "run/best.distillgan"):
        assert distill.load(wanted).metadata.name == "Tiny – 🥁"
    assert distill.load("tiny", library="shelf").metadata.name == "Tiny – 🥁"
    with pytest.raises(
        LibraryError, match="kit: no such model file, and no such model in outputs/library"
    ):
        distill.load("kit")
    with pytest.raises(BundleError, match="no such file"):
        distill.load(Path("kit.distillgan"))
