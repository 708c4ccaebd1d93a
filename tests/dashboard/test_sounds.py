"""Which sounds the dashboard serves, as which rows; what is kept, and made anew."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from distill.catalog.catalog import Catalog
from distill.catalog.entry import Entry
from distill.catalog.index import NAME as INDEX
from distill.dashboard import kept, new_sounds
from distill.dashboard.fields import read_number, read_whole
from distill.dashboard.models import Models
from distill.dashboard.new_sounds import AGAIN, Request, next_seed
from distill.dashboard.places import Places
from distill.dashboard.sounds import preview_rows, served_file
from distill.errors import DistillError, GenerationError, LibraryError, SoundError
from tests.helpers.made_bundle import STATES, VOCODER, published
from tests.helpers.runs import wait_for


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "outputs", tmp_path / "outputs" / "library")


def sound(path: Path, value: float = 0.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.full(80, value, dtype=np.float32), 8_000)
    return path


def call(places: Places, name: str = "2026-01-31_15-00-00_kit", *, seed: int = 0) -> Path:
    """A folder of two new sounds, as a process has left it."""
    folder = places.generated / name
    for number in (1, 2):
        sound(folder / f"kit_{seed}_{number:03d}.wav", number / 10)
    note = {
        "pid": 1,
        "pid_started_s": 0.0,
        "words": ["distill.generate", f"--seed={seed}", "--count=2"],
    }
    (folder / "process.json").write_text(json.dumps(note))
    return folder


def shown(places: Places) -> dict[str, Any]:
    value = new_sounds.show(places, "")
    assert value is not None
    return value


# -- what is served ----------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "train/a/previews/epoch_0001/1_kick_result.wav",
        "multirun/s/0/previews/epoch_0001/1_kick_result.wav",
        "train/a/listen_files/kick.wav",
        "train/a/new_sounds/kit_0_001.wav",
        "generated/call/kit_0_001.flac",
        "kept/k.wav",
    ],
)
def test_previews_and_new_sounds_are_served(places: Places, address: str) -> None:
    path = sound(places.outputs / address)
    assert served_file(places, address) == path


@pytest.mark.parametrize(
    "address",
    [
        "train/a/kick.wav",
        "library/k.wav",
        "train/a/previews/epoch_0001/.k.wav",
        "train/a/previews/epoch_0001/k.html",
        "kept/../kept/k.wav",
        "/kept/k.wav",
        "kept//k.wav",
        "kept\\k.wav",
        "kept/k.wav/",
        "kept/sub/k.wav",
        "",
        "kept",
        "kept/k.wav\0",
    ],
)
def test_nothing_else_is(places: Places, address: str) -> None:
    sound(places.kept / "k.wav")
    assert served_file(places, address) is None


def test_links_are_not_followed(places: Places, tmp_path: Path) -> None:
    secret = sound(tmp_path / "secret" / "k.wav")
    places.kept.mkdir(parents=True)
    (places.kept / "k.wav").symlink_to(secret)
    (places.generated).mkdir()
    (places.generated / "call").symlink_to(secret.parent)
    assert served_file(places, "kept/k.wav") is None
    assert served_file(places, "generated/call/k.wav") is None


def test_outputs_may_lie_behind_a_link_themselves(tmp_path: Path) -> None:
    sound(tmp_path / "disk" / "kept" / "k.wav")
    (tmp_path / "outputs").symlink_to(tmp_path / "disk")
    assert served_file(Places(tmp_path / "outputs", tmp_path), "kept/k.wav") is not None


def test_previews_are_shown_once_they_are_whole_the_newest_first(places: Places) -> None:
    run_dir = places.trained / "kit"
    for label in ("original", "result"):
        sound(run_dir / "previews" / "epoch_0001" / f"1_kick_2_{label}.wav")
    assert preview_rows(places, run_dir) == ("", [])
    (run_dir / "previews" / "epoch_0001" / "mels.png").write_bytes(b"")
    label, rows = preview_rows(places, run_dir)
    assert (label, [row["name"] for row in rows]) == ("codec, epoch 1", ["kick_2"])
    assert [take["label"] for take in rows[0]["takes"]] == ["original", "result"]
    assert rows[0]["takes"][0]["file"] == "1_kick_2_original.wav"


# -- kept ----------------------------------------------------------------


def test_kept_sounds_are_files_under_their_names_and_a_zip(places: Places) -> None:
    call(places)
    kept.keep(places, "generated/2026-01-31_15-00-00_kit/kit_0_002.wav")
    kept.keep(places, "generated/2026-01-31_15-00-00_kit/kit_0_002.wav")
    assert [path.name for path in places.kept.iterdir()] == ["kit_0_002.wav"]
    (only,) = shown(places)["calls"]
    assert [row["kept"] for row in only["rows"]] == [False, True]
    with zipfile.ZipFile(io.BytesIO(kept.zip_kept(places).read())) as archive:
        assert archive.namelist() == ["kit_0_002.wav"]
    kept.drop(places, "generated/2026-01-31_15-00-00_kit/kit_0_002.wav")
    assert list(places.kept.iterdir()) == []


def test_two_sounds_of_one_name_are_both_kept(places: Places) -> None:
    call(places)
    sound(call(places, "2026-01-31_16-00-00_kit") / "kit_0_001.wav", 0.7)
    for name in ("2026-01-31_15-00-00_kit", "2026-01-31_16-00-00_kit"):
        kept.keep(places, f"generated/{name}/kit_0_001.wav")
    assert sorted(path.name for path in places.kept.iterdir()) == [
        "kit_0_001-2.wav",
        "kit_0_001.wav",
    ]
    kept.drop(places, "generated/2026-01-31_15-00-00_kit/kit_0_001.wav")
    assert [path.name for path in places.kept.iterdir()] == ["kit_0_001-2.wav"]


def test_what_was_deleted_by_hand_is_not_kept_any_more(places: Places) -> None:
    call(places)
    kept.keep(places, "generated/2026-01-31_15-00-00_kit/kit_0_001.wav")
    (places.kept / "kit_0_001.wav").unlink()
    assert not any(row["kept"] for row in shown(places)["calls"][0]["rows"])


@pytest.mark.parametrize(
    "source", ["", "../k.wav", "kept/k.wav", "generated/none/k.wav", "train/a/config.yaml"]
)
def test_only_sounds_that_are_served_can_be_kept(places: Places, source: str) -> None:
    sound(places.kept / "k.wav")
    with pytest.raises(SoundError, match="no such sound"):
        kept.keep(places, source)


# -- new sounds ------------------------------------------------------------


def test_each_call_has_a_seed_of_its_own(places: Places) -> None:
    assert next_seed(places, "kit") == 0
    call(places, seed=4)
    call(places, "2026-01-31_16-00-00_other", seed=9)
    assert next_seed(places, "kit") == 5


def test_only_what_is_new_is_sent(places: Places) -> None:
    call(places)
    value = shown(places)
    assert new_sounds.show(places, value["version"]) is None
    kept.keep(places, "generated/2026-01-31_15-00-00_kit/kit_0_001.wav")
    assert new_sounds.show(places, value["version"]) is not None


def test_a_call_that_failed_says_why(places: Places) -> None:
    folder = places.generated / "2026-01-31_15-00-00_kit"
    folder.mkdir(parents=True)
    (folder / "generate.log").write_text("model kit\ndistill: kit.distillgan: damaged\n")
    (only,) = shown(places)["calls"]
    assert (only["busy"], only["error"], only["rows"]) == (False, "kit.distillgan: damaged", [])


def entry_of(places: Places, **fields: Any) -> Entry:
    return published(Catalog(places.library), "kit", **fields)


def test_what_a_model_cannot_do_is_told_before_anything_starts(places: Places) -> None:
    codec = entry_of(places, fields=VOCODER)
    with pytest.raises(
        GenerationError, match=r"kit has no prior \(yet\), and can only do: a sound"
    ):
        new_sounds.start(places, codec, Request())
    with pytest.raises(GenerationError, match="choose two sounds"):
        new_sounds.start(places, codec, Request(way="morph", sounds=(Path("a.wav"),)))
    assert not places.generated.exists()


def test_words_of_each_way(tmp_path: Path) -> None:
    def words(**wishes: Any) -> list[str]:
        return Request(**wishes).words(Path("kit.distillgan"), tmp_path, 3)

    two = (Path("/a b.wav"), Path("/c.wav"))
    assert words(count=2, class_name="-n") == [
        "distill.generate",
        "--count=2",
        "--seed=3",
        "--class=-n",
        f"--out={tmp_path}",
        "--",
        "kit.distillgan",
    ]
    assert "--like=/a b.wav" in words(way="like", sounds=two, length_s=2.0)
    assert not any(
        word.startswith("--length") for word in words(way="like", sounds=two, length_s=2.0)
    )
    assert words(way="morph", sounds=two)[-5:] == [
        "--morph",
        "/a b.wav",
        "/c.wav",
        "--",
        "kit.distillgan",
    ]
    assert "--loop" in words(way="loop")
    assert words(way=AGAIN, sounds=two) == [
        "distill.reconstruct",
        "--seed=3",
        f"--out={tmp_path}",
        "--",
        "kit.distillgan",
        "/a b.wav",
    ]


@pytest.mark.slow
def test_new_sounds_come_one_by_one_and_with_their_facts_in_the_end(places: Places) -> None:
    entry = entry_of(places, fields=STATES)
    new_sounds.start(places, entry, Request(count=3, length_s=0.2))
    wait_for(lambda: not shown(places)["calls"][0]["busy"])
    (only,) = shown(places)["calls"]
    assert only["error"] == "", only
    assert len(only["rows"]) == 3
    assert "nearest" in only["rows"][0]["note"]
    assert only["sheet"]


@pytest.mark.slow
def test_a_sound_goes_through_a_model_without_a_prior(places: Places, sounds: Path) -> None:
    entry = entry_of(places, fields=VOCODER)
    given = sorted(sounds.iterdir())[0]
    new_sounds.start(places, entry, Request(way=AGAIN, sounds=(given,)))
    wait_for(lambda: not shown(places)["calls"][0]["busy"])
    (only,) = shown(places)["calls"]
    assert [take["label"] for take in only["rows"][0]["takes"]] == ["original", "result"]


# -- models ------------------------------------------------------------------


def test_cards_say_what_the_library_says(places: Places) -> None:
    entry_of(places, fields=STATES)
    value = Models(places).show("")
    assert value is not None
    (card,) = value["models"]
    assert (card["name"], card["prior"], card["classes"]) == ("kit", True, ["kick", "snare"])
    assert card["vocoder"]
    assert Models(places).show(value["version"]) is None


def test_a_damaged_library_is_told(places: Places) -> None:
    places.library.mkdir(parents=True)
    (places.library / INDEX).write_text("{")
    value = Models(places).show("")
    assert value is not None
    assert value["models"] == []
    assert "damaged" in value["problem"] or "repair" in value["problem"]


def test_deleting_and_renaming_by_the_file(places: Places) -> None:
    models = Models(places)
    entry = entry_of(places)
    with pytest.raises(LibraryError, match="no such model"):
        models.delete("../kit.distillgan")
    models.rename(entry.file, "Trommeln <b>")
    assert [each.name for each in models.entries()] == ["Trommeln <b>"]
    with pytest.raises(DistillError, match="cannot be empty"):
        models.rename(models.entries()[0].file, " ")
    models.delete(models.entries()[0].file)
    assert models.entries() == []


# -- fields ----------------------------------------------------------------


def test_numbers_from_fields() -> None:
    assert read_number("", "Minutes", 0.01, 9) is None
    assert read_number(" 0,5 ", "Minutes", 0.01, 9) == 0.5
    assert read_whole("12", "Epochs", 1, 99) == 12
    for typed in ("x", "nan", "inf", "-1", "10", "1e9"):
        with pytest.raises(DistillError, match="Minutes: .* is not a number from 0.01 to 9"):
            read_number(typed, "Minutes", 0.01, 9)
    for typed in ("1.5", "0", "100", "²", "9" * 5_000):
        with pytest.raises(DistillError, match="is not a whole number from 1 to 99"):
            read_whole(typed, "Epochs", 1, 99)
