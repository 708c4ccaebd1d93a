"""Kits that were made from the page: their rows, what is missing, and all of it as a zip."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from distill.dashboard.pages.given_sounds import sound_choices
from distill.dashboard.state import kept, kits
from distill.dashboard.state.places import Places
from distill.dashboard.state.sounds_request import KIT, SoundsRequest, limits_of, ways_of
from distill.errors import GenerationError, SoundError
from distill.kit.arguments import parser_of_kit
from tests.helpers.fake_calls import entry_of, show_call, sound
from tests.helpers.made_bundle import STATES, VOCODER

CALL = "2026-01-31_15-00-00_kit"


@pytest.fixture
def kit(places: Places) -> Path:
    """A kit as its process has left it: snares after kicks, and one of them is missing."""
    folder = places.new_sounds / CALL
    for name in ("snare_01", "kick_01", "kick_01_rr2", "kick_01_soft1", "kick_01_soft1_rr2"):
        sound(folder / name.partition("_")[0] / f"{name}.wav", 0.5)
    sounds = [
        {"name": "kick_01", "key": 36, "length_s": 0.42, "nearest": "a.wav", "distance_db": 8.123},
        {"name": "snare_01", "key": 37, "length_s": 0.3, "nearest": "", "distance_db": None},
    ]
    listed = {"version": 1, "sounds": sounds, "missing": {"snare": 1}}
    (folder / "kit.json").write_text(json.dumps(listed))
    (folder / "My-Kit.sfz").write_text("<region> sample=kick/kick_01.wav")
    (folder / "generate.log").write_text("model kit\n")
    words = ["distill.kit", "--per-class=1", "--seed=3", "--", "kit.distillgan"]
    (folder / "process.json").write_text(
        json.dumps({"pid": 1, "pid_started_s": 0.0, "words": words, "title": "a kit"})
    )
    return folder


def only_call(places: Places) -> dict[str, Any]:
    (only,) = show_call(places)["calls"]
    return dict(only)


def test_a_kit_is_shown_sound_by_sound_with_its_takes(places: Places, kit: Path) -> None:
    shown = only_call(places)
    assert (shown["error"], shown["kit"]["missing"]) == ("", "1 sound of snare")
    assert [row["name"] for row in shown["rows"]] == ["kick_01.wav", "snare_01.wav"]
    kick, snare = shown["rows"]
    assert [take["label"] for take in kick["takes"]] == ["loud 1", "loud 2", "soft 1", "soft 2"]
    assert [take["label"] for take in snare["takes"]] == ["new"]
    assert kick["note"] == "key 36, 0.42 s; nearest: a.wav, 8.1 dB away"
    assert snare["note"] == "key 37, 0.30 s"


def test_a_kit_that_was_cut_short_says_why(places: Places, kit: Path) -> None:
    (kit / "generate.log").write_text("distill: kick/k.wav: the disk is full\nwritten: kit.json\n")
    shown = only_call(places)
    assert (shown["error"], shown["kit"]["file"]) == ("kick/k.wav: the disk is full", "My-Kit.zip")


def test_a_kit_at_work_is_shown_without_a_zip(places: Places, kit: Path) -> None:
    (kit / "kit.json").unlink()
    (kit / "generate.log").write_text("distill: stopped\n")
    shown = only_call(places)
    assert (shown["kit"], shown["error"], len(shown["rows"])) == (None, "stopped", 2)
    with pytest.raises(SoundError, match="no such kit"):
        kits.kit_folder(places, CALL)


@pytest.mark.parametrize("text", ["[]", '{"sounds": 3, "missing": [1]}', '{"sounds": [3], "missi'])
def test_a_damaged_list_hides_no_sound(places: Places, kit: Path, text: str) -> None:
    (kit / "kit.json").write_text(text)
    shown = only_call(places)
    assert (len(shown["rows"]), shown["kit"]["missing"]) == (2, "")


def test_the_zip_has_the_paths_that_the_presets_name(
    places: Places, kit: Path, tmp_path: Path
) -> None:
    kept.keep(places, f"generated/{CALL}/kick/kick_01.wav")
    (kit / "kick" / "link.wav").symlink_to(sound(tmp_path / "secret.wav"))
    (kit / "others").symlink_to(tmp_path)
    content = b"".join(kits.zip_kit(kits.kit_folder(places, CALL)))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
        assert archive.read("kick/kick_01.wav") == (kit / "kick" / "kick_01.wav").read_bytes()
        missing = archive.read("MISSING.txt").decode()
    assert missing == "kick/link.wav: it is a link, which is not followed\n"
    assert names == [
        "My-Kit.sfz",
        "kit.json",
        "kick/kick_01.wav",
        "kick/kick_01_rr2.wav",
        "kick/kick_01_soft1.wav",
        "kick/kick_01_soft1_rr2.wav",
        "snare/snare_01.wav",
        "MISSING.txt",
    ]
    assert kits.zip_name(kit) == "My-Kit.zip"


@pytest.mark.parametrize("call", ["", ".", "..", "../generated", "none", f"{CALL}/kick"])
def test_only_a_kit_is_zipped(places: Places, kit: Path, call: str) -> None:
    with pytest.raises(SoundError, match="no such kit"):
        kits.kit_folder(places, call)


def test_a_sound_of_a_kit_is_kept_and_begun_with_as_others(places: Places, kit: Path) -> None:
    source = f"generated/{CALL}/kick/kick_01.wav"
    assert (f"kick_01.wav ({CALL})", source) in sound_choices(places)
    kept.keep(places, source)
    assert [row["kept"] for row in only_call(places)["rows"]] == [True, False]
    kept.drop(places, source)
    assert list(places.kept.iterdir()) == []


def test_a_request_for_a_kit_is_one_for_its_command(places: Places) -> None:
    entry = entry_of(places, fields=STATES)
    request = SoundsRequest(
        KIT,
        per_class=2,
        robins=3,
        layers=2,
        class_name="-kick",
        amount=0.5,
        rate_hz=48_000,
        bits=16,
    )
    words = request.words(Path("kit.distillgan"), Path("out"), 7)
    assert words[0] == "distill.kit"
    read = vars(parser_of_kit().parse_args(words[1:]))
    wanted = {"per_class": 2, "round_robins": 3, "layers": 2, "classes": ["-kick"], "seed": 7}
    wanted |= {"amount": 0.5, "rate": 48_000, "bits": 16, "out": Path("out")}
    assert {key: read[key] for key in wanted} == wanted
    assert request.title(entry, 7) == (
        "kit: a kit with 2 sounds of -kick, 3 round robins, 2 velocity layers, seed 7, amount 0.5, "
        "48 kHz, 16 bits"
    )
    assert "a kit with 4 sounds of each of 2 classes" in SoundsRequest(KIT).title(entry, 0)


def test_what_no_kit_can_be_is_told_before_it_starts(places: Places) -> None:
    entry = entry_of(places, fields=STATES)
    SoundsRequest(KIT, per_class=64, class_name="kick").check(entry)
    with pytest.raises(GenerationError, match="128 sounds: from C1 on, there are 92 keys"):
        SoundsRequest(KIT, per_class=64).check(entry)
    codec = entry_of(places, fields=VOCODER)
    assert KIT not in ways_of(codec)
    assert limits_of(entry) == ""
    assert limits_of(codec) == "This model has no prior (yet), so it makes no new sounds."
    with pytest.raises(GenerationError, match="has no prior"):
        SoundsRequest(KIT).check(codec)
