"""The library as the page shows it."""

from __future__ import annotations

from typing import Any

import pytest

from distill.catalog.catalog import Catalog
from distill.catalog.index import NAME as INDEX
from distill.dashboard.state import kept
from distill.dashboard.state.models import Models
from distill.dashboard.state.places import Places
from distill.dashboard.state.runs import Runs
from distill.errors import DistillError, LibraryError
from distill.listen.folder import ListeningPage
from tests.helpers.fake_calls import entry_of, listen_page, sound
from tests.helpers.fake_runs import FakeRun, show_run
from tests.helpers.listening import make_row
from tests.helpers.made_bundle import STATES, make_bundle
from tests.helpers.summaries import run_summary, stage_summary


def test_cards_say_what_the_library_says(places: Places) -> None:
    entry_of(places, fields=STATES)
    value = Models(places).show("")
    assert value is not None
    (card,) = value["models"]
    assert (card["name"], card["prior"]) == ("kit", True)
    assert ("classes", "kick, snare") in card["facts"]
    assert card["vocoder"]
    assert Models(places).show(value["version"]) is None


@pytest.mark.parametrize("folder", ["train", "multirun/sweep"])
def test_the_sounds_that_a_run_made_last_are_shown(places: Places, runs: Runs, folder: str) -> None:
    run = FakeRun(places.outputs, folder=folder).start()
    listen_page(run.run_dir / "new_sounds")
    run.publish(Catalog(places.library), new_sounds="new_sounds-2", **STATES).end()
    wanted = f"{folder}/{run.run_dir.name}/new_sounds-2/kit_0_001.wav"
    kept.keep(places, wanted)
    (entry,) = Models(places).entries()
    for rows in (show_run(runs)["new_sounds"], Models(places).sounds(entry.file)):
        assert [(row["source"], row["kept"], row["varies"]) for row in rows] == [
            (wanted, True, True)
        ]


def test_a_card_has_one_sound_to_hear(places: Places, runs: Runs) -> None:
    """A new one, or else a held-out one as the model gives it back."""
    run = FakeRun(places.outputs).start()
    run.publish(Catalog(places.library), new_sounds="", **STATES)
    models = Models(places)
    before = models.show("")
    assert before is not None
    assert before["models"][0]["sound"] is None
    folder = run.run_dir / "previews" / "epoch_0001"
    for label in ("original", "result"):
        sound(folder / f"1_kick_{label}.wav")
    (folder / "mels.png").write_bytes(b"")
    preview = card_of(models)["sound"]
    assert [take["file"] for take in preview["takes"]] == ["1_kick_result.wav"]
    listen_page(run.run_dir / "new_sounds")
    new = card_of(models)["sound"]
    assert (new["name"], new["kind"]) == ("kit_0_001.wav", "new sound")


def card_of(models: Models) -> dict[str, Any]:
    """The only card."""
    value = models.show("")
    assert value is not None
    (card,) = value["models"]
    return dict(card)


def test_a_damaged_library_is_told(places: Places) -> None:
    places.library.mkdir(parents=True)
    (places.library / INDEX).write_text("{")
    value = Models(places).show("")
    assert value is not None
    assert value["models"] == []
    assert "damaged" in value["problem"] or "repair" in value["problem"]


def test_deleting_by_the_file(places: Places) -> None:
    models = Models(places)
    entry = entry_of(places)
    for change in (models.delete, lambda file: models.rename(file, "x")):
        with pytest.raises(LibraryError, match="no such model"):
            change("../kit.distillgan")
    models.delete(entry.file)
    assert models.entries() == []


@pytest.mark.parametrize("folder", ["train", "multirun/2026-01-31_13-00-00_sweep"])
def test_a_model_and_its_run_find_each_other_under_another_name(
    places: Places, folder: str
) -> None:
    models, runs, entry = Models(places), Runs(places), entry_of(places, fields=STATES)
    run = FakeRun(places.outputs, folder=folder).start().step().end()
    run_summary(stage_summary("codec"), model_id=entry.id).write(run.run_dir)
    page = ListeningPage(run.run_dir)
    page.add(make_row(page, "kick.wav"))
    page.write(["Held out."])
    before = runs.show(None, "")
    assert before is not None
    assert before["run"]["model"] == {"file": "kit.distillgan", "prior": True}
    assert models.find("kit.distillgan") == entry
    Catalog(places.library).rename(entry, "Trommeln")
    after = runs.show(None, before["version"])
    assert after is not None
    assert after["run"]["model"]["file"] == "trommeln.distillgan"
    for file in ("kit.distillgan", "trommeln.distillgan"):
        assert [row["name"] for row in models.sounds(file)] == ["kick.wav"]


@pytest.mark.slow  # by a process, which imports torch
def test_a_model_copied_into_the_folder_is_seen(places: Places) -> None:
    models = Models(places)
    entry_of(places)
    before = models.show("")
    make_bundle(places.library / "found.distillgan", name="found")
    (places.library / "junk.distillgan").write_bytes(b"")
    assert before is not None
    after = models.show(before["version"])
    assert after is not None
    assert {card["name"] for card in after["models"]} == {"kit", "found"}
    assert after["problem"].startswith("1 file left out, such as junk.distillgan: `python -m")
    again = models.show(after["version"])  # the list is another file by now
    assert models.show(again["version"] if again else after["version"]) is None


@pytest.mark.slow  # each by a process of its own
def test_renaming_by_the_file(places: Places) -> None:
    models = Models(places)
    models.rename(entry_of(places).file, "Trommeln <b>")
    assert [each.name for each in models.entries()] == ["Trommeln <b>"]
    with pytest.raises(DistillError, match="cannot be empty"):
        models.rename(models.entries()[0].file, " ")
    models.delete(models.entries()[0].file)
    assert models.entries() == []
