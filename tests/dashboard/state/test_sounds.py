"""Which sounds the dashboard serves, as which rows."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from distill.dashboard.state.demo_sounds import demo_rows
from distill.dashboard.state.places import Places
from distill.dashboard.state.sounds import new_sounds_of, preview_rows, served_file
from tests.helpers.fake_calls import sound


@pytest.mark.parametrize(
    "address",
    [
        "train/a/previews/epoch_0001/1_kick_result.wav",
        "multirun/s/0/previews/epoch_0001/1_kick_result.wav",
        "train/a/listen_files/kick.wav",
        "train/a/new_sounds/kit_0_001.wav",
        "train/a/new_sounds_early/listen_files/kit_0_001.wav",
        "train/a/new_sounds-2/kit_0_001.wav",
        "multirun/s/0/new_sounds-12/listen_files/kit_0_001.wav",
        "generated/call/kit_0_001.flac",
        "generated/call/kick/kick_01_soft1_rr2.wav",
        "kept/k.wav",
        "dashboard/demo/15 kick.wav",
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
        "train/a/new_sounds-x/k.wav",
        "train/a/new_sounds-2/x/k.wav",
        "train/a/previews/epoch_0001/.k.wav",
        "train/a/previews/epoch_0001/k.html",
        "kept/../kept/k.wav",
        "/kept/k.wav",
        "kept//k.wav",
        "kept\\k.wav",
        "kept/k.wav/",
        "kept/sub/k.wav",
        "dashboard/uploads/k.wav",
        "generated/call/kick/more/k.wav",
        "generated/call/.kick/k.wav",
        "generated/call/kick/kit.sfz",
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
    places.new_sounds.mkdir()
    (places.new_sounds / "call").symlink_to(secret.parent)
    assert served_file(places, "kept/k.wav") is None
    assert served_file(places, "generated/call/k.wav") is None


def test_outputs_may_lie_behind_a_link_themselves(tmp_path: Path) -> None:
    sound(tmp_path / "disk" / "kept" / "k.wav")
    (tmp_path / "outputs").symlink_to(tmp_path / "disk")
    assert served_file(Places(tmp_path / "outputs", tmp_path), "kept/k.wav") is not None


def test_runs_may_lie_on_another_disk_behind_a_link(places: Places, tmp_path: Path) -> None:
    sound(tmp_path / "disk" / "kit" / "listen_files" / "k.wav")
    places.outputs.mkdir()
    places.trained.symlink_to(tmp_path / "disk")
    assert served_file(places, "train/kit/listen_files/k.wav") is not None


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


def test_a_preview_within_the_first_epoch_is_shown_as_one(places: Places) -> None:
    folder = places.trained / "kit" / "previews" / "epoch_0000"
    for name in ("02_low_kick", "11_bell_known"):
        for label in ("original", "result"):
            sound(folder / f"{name}_{label}.wav")
    (folder / "mels.png").write_bytes(b"")
    label, rows = preview_rows(places, places.trained / "kit")
    assert label == "codec, in its first epoch"
    assert [row["name"] for row in rows] == ["low_kick", "bell_known"]


def test_new_sounds_are_the_first_ones_until_the_prior_has_made_its_own(places: Places) -> None:
    run_dir = places.trained / "kit"
    sound(run_dir / "new_sounds_early" / "kit_0_001.wav")
    assert new_sounds_of(run_dir, None) == run_dir / "new_sounds_early"
    sound(run_dir / "new_sounds" / "kit_0_001.wav")
    assert new_sounds_of(run_dir, None) == run_dir / "new_sounds"


def test_demo_sounds_are_there_before_any_run(
    places: Places, demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("distill.dashboard.state.demo_sounds.write_demo_collection", copied(demo))
    rows = demo_rows(places)
    assert len(rows) == 12
    assert rows[0]["name"] == "pluck 82 Hz"
    for row in rows:
        (take,) = row["takes"]
        assert take["type"] in ("audio/wav", "audio/flac", "audio/ogg", "audio/mpeg")
        assert served_file(places, row["id"]) is not None


def copied(demo: Path) -> Callable[[Path], Path]:
    """What writes the demo collection, without making it again."""
    return lambda folder: Path(shutil.copytree(demo, folder, dirs_exist_ok=True))
