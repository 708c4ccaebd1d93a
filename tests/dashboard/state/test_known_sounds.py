"""The sounds that a model was trained on, to begin with on the page."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import soundfile

from distill.catalog.entry import Entry
from distill.dashboard.state.known_sounds import KnownSounds
from distill.dashboard.state.places import Places
from distill.dashboard.state.sounds_request import SoundsRequest
from distill.errors import SoundError
from tests.helpers.fake_calls import entry_of, sound
from tests.helpers.made_bundle import STATES
from tests.helpers.summaries import run_summary, stage_summary
from tests.helpers.tiny_bundle import SOUNDS


@pytest.fixture
def entry(places: Places) -> Entry:
    return entry_of(places, fields=STATES)


def write_run(places: Places, entry: Entry, *paths: Path, fingerprint: str = "") -> None:
    """A run that made the model, of these sounds."""
    run_dir = places.trained / "2026-01-31_14-00-00_kit"
    run_dir.mkdir(parents=True, exist_ok=True)
    run_summary(stage_summary("codec"), model_id=entry.id).write(run_dir)
    used = [{"path": str(path)} for path in paths]
    own = fingerprint or SOUNDS["dataset_fingerprint"]
    (run_dir / "collection.json").write_text(json.dumps({"fingerprint": own, "used": used}))


def test_a_model_offers_what_it_was_trained_on_by_name(places: Places, entry: Entry) -> None:
    known = KnownSounds(places)
    assert known.choices(entry, wait=False) == [], "nobody waits for it"
    choices = known.choices(entry, wait=True)
    assert [label for label, _ in choices][:2] == [
        "kick/0.wav (training sound)",
        "kick/1.wav (training sound)",
    ]
    assert known.choices(entry, wait=False) == choices
    assert known.choices(entry_of(places), wait=True) == [], "without a prior"
    chosen = known.find(entry, choices[4][1])
    assert chosen is not None
    request = SoundsRequest("like", sounds=(chosen,))
    assert "--like=known:5" in request.words(Path("kit"), Path("out"), 0)
    assert "variations of snare/1.wav" in request.title(entry, 0)


def test_a_sound_of_another_model_is_not_taken(places: Places, entry: Entry) -> None:
    known = KnownSounds(places)
    for source in ("known:0123456789abcdef:0", f"known:{entry.checksum[:16]}:6"):
        with pytest.raises(SoundError, match="this model does not know the sound"):
            known.find(entry, source)
    assert known.find(entry, "kept/kick.wav") is None
    with pytest.raises(SoundError, match="no such sound"):
        known.file_of(entry, "../../etc/passwd")


def test_a_known_sound_is_heard_as_it_was_or_else_as_it_is_decoded(
    places: Places, entry: Entry, tmp_path: Path
) -> None:
    known = KnownSounds(places)
    (_, source), *_ = known.choices(entry, wait=True)
    own = sound(tmp_path / "sounds" / "kick" / "0.wav")
    write_run(places, entry, own, tmp_path / "sounds" / "snare" / "0.wav")
    assert known.file_of(entry, source) == own
    write_run(places, entry, own, fingerprint="of other sounds")
    decoded = known.file_of(entry, source)
    assert decoded.is_relative_to(places.outputs / "dashboard")
    assert soundfile.info(str(decoded)).samplerate == 16_000
    assert [path.name for path in decoded.parent.iterdir()] == ["0.wav"]
    write_run(places, entry, own, tmp_path / "more" / "kick" / "0.wav")
    assert known.file_of(entry, source) == decoded, "either could be meant"
    write_run(places, entry, own)
    shutil.rmtree(tmp_path / "sounds")
    assert known.file_of(entry, source) == decoded
