"""What the page asks of a model, and how the new sounds come back."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from distill.dashboard.state import kept, new_sounds
from distill.dashboard.state.models import Models
from distill.dashboard.state.places import Places
from distill.dashboard.state.sounds_request import AGAIN, SoundsRequest, limits_of, ways_of
from distill.errors import GenerationError
from distill.prior.prior import SOUNDS
from tests.helpers.fake_calls import call, entry_of, show_call, sound
from tests.helpers.made_bundle import STATES, VOCODER
from tests.helpers.runs import wait_for


def test_each_call_has_a_seed_of_its_own(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under whatever name the model was asked for sounds."""
    started: list[list[str]] = []
    monkeypatch.setattr(new_sounds, "start_verb", lambda words, **_: started.append(words))
    entry = entry_of(places, fields=STATES)
    call(places, seed=4, model_id=entry.id)
    call(places, "2026-01-31_16-00-00_other", seed=9)
    new_sounds.start(places, entry, SoundsRequest())
    new_sounds.start(places, entry, SoundsRequest(seed=2))
    assert ["--seed=5" in started[0], "--seed=2" in started[1]] == [True, True]


def test_two_clicks_are_one_call(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []

    def start(words: list[str], note: Path, **_: Any) -> None:
        started.append(words)
        note.write_text(json.dumps({"pid": 1, "pid_started_s": 0.0, "words": words}))

    monkeypatch.setattr(new_sounds, "start_verb", start)
    entry = entry_of(places, fields=STATES)
    both = [new_sounds.start(places, entry, SoundsRequest()) for _ in range(2)]
    assert (both[0], len(started)) == (both[1], 1)
    for other in (SoundsRequest(count=3), SoundsRequest(seed=7)):
        assert new_sounds.start(places, entry, other) not in both
    os.utime(both[0] / new_sounds.NOTE, (0, 0))
    assert new_sounds.start(places, entry, SoundsRequest()) not in both, "not two clicks"


def test_at_most_two_calls_are_at_work(places: Places) -> None:
    entry = entry_of(places, fields=STATES)
    for name in ("2026-01-31_15-00-00_kit", "2026-01-31_16-00-00_kit"):
        call(places, name, alive=True)
    with pytest.raises(GenerationError, match="are being made already"):
        new_sounds.start(places, entry, SoundsRequest())


def test_the_newest_calls_are_shown_whatever_the_clock_says(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And how many are not."""
    started: list[dict[str, Any]] = []
    monkeypatch.setattr(new_sounds, "start_verb", lambda _, **more: started.append(more))
    entry = entry_of(places, fields=STATES)
    for number in range(13):
        monkeypatch.setenv("TZ", "Asia/Tokyo" if number < 12 else "America/New_York")
        time.tzset()
        folder = new_sounds.start(places, entry, SoundsRequest())
        call(places, folder.name, number=started[-1]["number"])
    monkeypatch.undo()
    time.tzset()
    value = show_call(places)
    assert folder.name == min(os.listdir(places.new_sounds)), "its clock is behind"
    assert value["calls"][0]["id"] == folder.name
    assert (len(value["calls"]), value["earlier"]) == (12, 1)
    assert next(iter(new_sounds.call_folders(places))) == folder


def test_sounds_are_in_the_order_of_their_numbers(places: Places) -> None:
    folder = call(places)
    for seed in (10, 9):
        sound(folder / f"kit_{seed}_1000.wav")
        sound(folder / f"kit_{seed}_999.wav")
    (only,) = show_call(places)["calls"]
    numbers = [row["name"].removesuffix(".wav").removeprefix("kit_") for row in only["rows"]]
    assert numbers == ["0_001", "0_002", "9_999", "9_1000", "10_999", "10_1000"]


def test_only_what_is_new_is_sent(places: Places) -> None:
    call(places)
    value = show_call(places)
    assert new_sounds.show(Models(places), value["version"]) is None
    kept.keep(places, "generated/2026-01-31_15-00-00_kit/kit_0_001.wav")
    assert new_sounds.show(Models(places), value["version"]) is not None


def test_a_file_whose_name_is_no_text_does_not_hide_the_others(places: Places) -> None:
    folder = call(places)
    with open(os.fsencode(folder) + b"/k\xe9k.wav", "wb") as file:
        file.write(b"")
    assert len(show_call(places)["calls"][0]["rows"]) == 2


def test_a_call_that_failed_says_why(places: Places) -> None:
    folder = call(places)
    for path in folder.glob("*.wav"):
        path.unlink()
    (folder / "generate.log").write_text("model kit\ndistill: kit.distillgan: damaged\n")
    (only,) = show_call(places)["calls"]
    assert (only["busy"], only["error"], only["rows"]) == (False, "kit.distillgan: damaged", [])


def test_what_a_model_cannot_do_is_told_before_anything_starts(places: Places) -> None:
    codec = entry_of(places, fields=VOCODER)
    with pytest.raises(
        GenerationError, match=r"kit has no prior \(yet\), and can only do: a sound"
    ):
        new_sounds.start(places, codec, SoundsRequest())
    with pytest.raises(GenerationError, match="choose two sounds"):
        new_sounds.start(places, codec, SoundsRequest(way="morph", sounds=(Path("a.wav"),)))
    assert not places.new_sounds.exists()


def test_words_of_each_way(tmp_path: Path) -> None:
    def words(**request: Any) -> list[str]:
        return SoundsRequest(**request).words(Path("kit.distillgan"), tmp_path, 3)

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
    in_time = words(way="loop", bpm=127.5, bars=4, length_s=2.0, normalise=True, bits=16)
    assert {"--bpm=127.5", "--bars=4", "--normalise", "--bits=16"} < {*in_time}
    assert not any(word.startswith("--length") for word in in_time)
    assert not any(word.startswith("--b") for word in words(way="new", bpm=120.0, bars=4))
    assert words(way=AGAIN, sounds=two) == [
        "distill.reconstruct",
        "--seed=3",
        f"--out={tmp_path}",
        "--",
        "kit.distillgan",
        "/a b.wav",
    ]


def test_a_loop_in_time_is_named_and_checked_as_by_its_command(places: Places) -> None:
    entry = entry_of(places, fields=STATES)
    request = SoundsRequest("loop", count=2, bpm=127.5, length_s=3.0, rate_hz=44_100)
    request.check(entry)
    told = "kit: 2 loops of 2 bars at 127.5 bpm, seed 0, 44.1 kHz"
    assert request.title(entry, 0) == told
    for more, mistake in (
        ({"bars": 2}, "a loop of so many bars or beats has a tempo: add bpm"),
        ({"bpm": 20.0}, "bpm 20: must be from 30 to 300"),
        ({"bpm": 120.0, "bars": 17}, "beats 68: must be from 1 to 64"),
    ):
        with pytest.raises(GenerationError, match=mistake):
            SoundsRequest("loop", **more).check(entry)  # type: ignore[arg-type]


@pytest.mark.slow
def test_new_sounds_come_one_by_one_and_with_their_facts_in_the_end(places: Places) -> None:
    entry = entry_of(places, fields=STATES)
    new_sounds.start(places, entry, SoundsRequest(count=3, length_s=0.2))
    wait_for(lambda: not show_call(places)["calls"][0]["busy"])
    (only,) = show_call(places)["calls"]
    assert only["error"] == "", only
    assert len(only["rows"]) == 3
    assert "nearest" in only["rows"][0]["note"]
    assert only["sheet"]


@pytest.mark.slow
def test_a_sound_goes_through_a_model_without_a_prior(places: Places, sounds: Path) -> None:
    entry = entry_of(places, fields=VOCODER)
    given = sorted(sounds.iterdir())[0]
    new_sounds.start(places, entry, SoundsRequest(way=AGAIN, sounds=(given,)))
    wait_for(lambda: not show_call(places)["calls"][0]["busy"])
    (only,) = show_call(places)["calls"]
    assert [take["label"] for take in only["rows"][0]["takes"]] == ["original", "result"]


def test_a_model_without_its_sounds_offers_what_begins_with_a_sound(places: Places) -> None:
    state = STATES["prior_state"]
    codes = {**state["state_dict"], SOUNDS: state["state_dict"][SOUNDS][:, :0].clone()}
    bare = {**state, "state_dict": codes, "config": {**state["config"], "sounds": ()}}
    entry = entry_of(places, fields={"prior_state": bare})
    assert ways_of(entry) == ["like", "morph", "continue", AGAIN]
    assert limits_of(entry).startswith("Shared without its sounds: it makes variations")
    for way in ("loop", "kit"):
        with pytest.raises(GenerationError, match="kit was shared without its sounds: it makes va"):
            new_sounds.start(places, entry, SoundsRequest(way))
    (card,) = Models(places).show("")["models"]  # type: ignore[index]
    assert card["without_sounds"]
    assert card["commands"][0].endswith("--like SOUND")
