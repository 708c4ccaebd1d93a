"""What is said of a model, for the terminal and for pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from distill.catalog.catalog import Catalog
from distill.catalog.entry import Entry
from distill.catalog.facts import facts_of, level_rows, row_of, sparkline
from tests.helpers.made_bundle import STATES, alter_entry, publish_bundle, tiny_fields


def test_row_says_in_words_what_the_index_holds(library: Catalog) -> None:
    row = row_of(publish_bundle(library, "drums", fields=STATES, model_id="abcd111122223333"))
    assert (row.name, row.id, row.date) == ("drums", "abcd1111", "2025-01-01 00:01")
    assert (row.codes, row.mel_error, row.closeness) == ("2 × 8", "10.00 dB", "rough")
    assert (row.utilization, row.vocoder, row.bits) == ("87.5%", "HiFi-GAN (200 ep)", "812 bits/s")
    assert row.collection == "none: 3 files, 1.5 s"
    assert row.size.endswith(" MB")


def test_facts_say_everything_and_leave_out_what_there_is_not(library: Catalog) -> None:
    entry = publish_bundle(library, "drums", fields=STATES, description="808s")
    facts = dict(facts_of(entry, library.path_of(entry)))
    assert facts["description"] == "808s"
    assert facts["codes"].startswith("2 levels of 8 codes, ")
    assert facts["val loss"] == "█▁  1.25 → 0.7500"
    assert facts["sounds"] == "rough: the mel error is the worst, 10.00 dB (close: 1.9)"
    assert facts["vocoder"] == "HiFi-GAN (200 ep), final loss 0.5000, trained 2025-01-02"
    assert facts["prior"].endswith(" (30 ep), 812 bits/s, trained 2025-01-03")
    assert facts["classes"] == "kick, snare"

    bare = publish_bundle(library, "voices", tags=[])
    facts = dict(facts_of(bare, Path("gone.distillgan")))
    assert not {"description", "tags", "classes"} & facts.keys()
    assert facts["vocoder"] == "none of its own (Griffin-Lim)"
    assert facts["prior"] == "none yet, so no new sounds"


def test_figures_that_are_not_known_are_empty(library: Catalog) -> None:
    publish_bundle(library, "drums")
    unknown = {"level_0": {"utilization": None, "perplexity": None}}
    alter_entry(library, 0, codebook_health=unknown, heard={}, min_utilization=0.9)
    (entry,) = library.entries()
    row = row_of(entry)
    assert (row.mel_error, row.closeness, row.utilization) == ("", "", "")
    assert (row.vocoder, row.bits) == ("", "")
    (level,) = level_rows(entry)
    assert (level.label, level.cells) == ("0", ("", "", ""))


@pytest.mark.parametrize(
    "settings",
    [{}, {"health": 0.9}, {"health": {"min_utilization": "0.9"}}]
    + [{"health": {"min_utilization": share}} for share in (None, 90, -1, float("nan"))],
    ids=str,
)
def test_settings_that_say_no_threshold_mark_no_level(
    library: Catalog, settings: dict[str, Any]
) -> None:
    level = tiny_fields()["codebook_health_snapshot"]["level_0"]
    idle = {"level_0": {**level, "utilization": 0.125}}
    fields = {"training_config": settings, "codebook_health_snapshot": idle}
    entry = publish_bundle(library, "drums", fields=fields)
    assert entry.min_utilization == 0
    assert [row.is_low for row in level_rows(entry)] == [False]


def test_index_of_before_has_no_threshold(library: Catalog) -> None:
    publish_bundle(
        library, "drums", fields={"training_config": {"health": {"min_utilization": 0.9}}}
    )
    assert [row.is_low for row in level_rows(library.entries()[0])] == [True, True]
    entry = library.entries()[0].to_json()
    del entry["min_utilization"]
    assert not any(row.is_low for row in level_rows(Entry.from_json(entry)))


def test_a_curve_keeps_its_gaps() -> None:
    assert sparkline([8.0, 4.0, None, 2.0, 1.0]) == "█▄ ▂▁"
    assert sparkline([None]) == ""
