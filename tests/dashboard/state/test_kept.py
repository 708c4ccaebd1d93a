"""New sounds that somebody keeps."""

from __future__ import annotations

import io
import os
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
    assert not any(row["kept"] for row in show_call(places)["calls"][0]["rows"])


@pytest.mark.parametrize(
    "source", ["", "../k.wav", "kept/k.wav", "generated/none/k.wav", "train/a/config.yaml"]
)
def test_only_sounds_that_are_served_can_be_kept(places: Places, source: str) -> None:
    sound(places.kept / "k.wav")
    with pytest.raises(SoundError, match="no such sound"):
        kept.keep(places, source)


def test_odd_files_are_no_reason_to_have_no_zip(places: Places) -> None:
    old = sound(places.kept / "old.wav")
    os.utime(old, (0, 0))
    with open(os.fsencode(places.kept) + b"/k\xe9k.wav", "wb") as file:
        file.write(b"")
    with zipfile.ZipFile(io.BytesIO(kept.zip_kept(places).read())) as archive:
        assert archive.namelist() == ["old.wav"]
