"""New sounds that somebody keeps."""

from __future__ import annotations

import io
import os
import tempfile
import zipfile

import pytest

from distill.dashboard.state import kept
from distill.dashboard.state.places import Places
from distill.errors import SoundError
from tests.helpers.fake_calls import call, show_call, sound


def test_kept_sounds_are_files_under_their_names_and_a_zip(places: Places) -> None:
    call(places)
    kept.keep(places, "generated/2026-01-31_15-00-00_kit/kit_0_002.wav")
    kept.keep(places, "generated/2026-01-31_15-00-00_kit/kit_0_002.wav")
    assert [path.name for path in places.kept.iterdir()] == ["kit_0_002.wav"]
    (only,) = show_call(places)["calls"]
    assert [row["kept"] for row in only["rows"]] == [False, True]
    assert [*zipped(places)] == ["kit_0_002.wav"]
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
    assert not any(row["kept"] for row in show_call(places)["calls"][0]["rows"])


@pytest.mark.parametrize(
    "source", ["", "../k.wav", "kept/k.wav", "generated/none/k.wav", "train/a/config.yaml"]
)
def test_only_sounds_that_are_served_can_be_kept(places: Places, source: str) -> None:
    sound(places.kept / "k.wav")
    with pytest.raises(SoundError, match="no such sound"):
        kept.keep(places, source)


def zipped(places: Places) -> dict[str, bytes]:
    """What is in the zip, by name."""
    with zipfile.ZipFile(io.BytesIO(b"".join(kept.zip_kept(places)))) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_zip_says_what_is_not_in_it_and_needs_no_other_room(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/no/such folder")
    old = sound(places.kept / "old.WAV")
    os.utime(old, (0, 0))
    (places.kept / "link.wav").symlink_to(old)
    (places.kept / "folder.wav").mkdir()
    with open(os.fsencode(places.kept) + b"/k\xe9k.wav", "wb") as file:
        file.write(b"")
    files = zipped(places)
    assert files.pop("old.WAV") == old.read_bytes()
    told = files.pop("MISSING.txt").decode().splitlines()
    assert told == [
        "folder.wav: Is a directory",
        "k\\udce9k.wav: its name is no text",
        "link.wav: it is a link, which is not followed",
    ]
    assert files == {}
    assert show_call(places)["not_zipped"] == [told[1], told[2]]


@pytest.mark.parametrize(
    "other", ["generated/b", "train/kit/new_sounds-2", "multirun/s/0/new_sounds"]
)
def test_a_sound_that_is_kept_twice_stays_until_the_last_lets_go(
    places: Places, other: str
) -> None:
    sources = ["generated/a/k.wav", f"{other}/k.wav", "generated/c/k.wav"]
    for source in sources:
        sound(places.outputs / source, 0.5)
        kept.keep(places, source)
    for source in sources:
        assert [path.name for path in places.kept.iterdir()] == ["k.wav"]
        kept.drop(places, source)
    assert list(places.kept.iterdir()) == []


def test_another_sound_in_the_place_of_a_kept_one_is_not_it(places: Places) -> None:
    for name, value in (("a", 0.5), ("b", 0.7)):
        sound(places.outputs / "generated" / name / "k.wav", value)
    kept.keep(places, "generated/a/k.wav")
    (places.kept / "k.wav").unlink()
    kept.keep(places, "generated/b/k.wav")
    kept.drop(places, "generated/a/k.wav")
    assert [path.name for path in places.kept.iterdir()] == ["k.wav"]
    kept.drop(places, "generated/b/k.wav")
    assert list(places.kept.iterdir()) == []
