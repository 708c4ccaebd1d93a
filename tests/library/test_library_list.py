"""`python -m distill.library list`, as typed: a row a model, in the order asked for."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from rich.cells import cell_len

from distill.catalog.catalog import Catalog
from distill.catalog.index import NAME
from distill.library.view import models_table
from tests.helpers.made_bundle import (
    STATES,
    VOCODER,
    alter_entry,
    index_of,
    make_bundle,
    publish_bundle,
    tiny_fields,
)
from tests.helpers.tiny_bundle import vocoder_state
from tests.helpers.verbs import Say, row_of


def health(utilization: float) -> dict[str, dict[str, float]]:
    levels = tiny_fields()["codebook_health_snapshot"]
    return {**levels, "level_1": {**levels["level_1"], "utilization": utilization}}


@pytest.mark.parametrize("there", [True, False])
def test_list_of_nothing(say: Say, models: Catalog, there: bool) -> None:
    if there:
        models.folder.mkdir(parents=True)
    said = say("list")
    assert (said.exit_code, said.stderr) == (0, "")
    assert said.stdout == "no models in outputs/library\n"
    assert json.loads(say("list", "--json").stdout) == []
    assert models.folder.exists() == there


def test_list_shows_a_row_a_model(say: Say, models: Catalog) -> None:
    publish_bundle(models, "drums", fields={**STATES, "codebook_health_snapshot": health(0.25)})
    publish_bundle(models, "voices", final_val_loss=0.125, model_id="feedc0de00000000")
    said = say("list")
    assert said.exit_code == 0
    size = f"{models.find('voices').size_bytes / 1e6:.1f} MB"
    row = ["voices", "feedc0de", "2025-01-01 00:01", "2 × 8", "10.00 dB", "rough", "87.5%", size]
    assert row_of(said, "voices") == row
    assert row_of(said, "drums")[6:9] == ["25.0%", "HiFi-GAN (200 ep)", "812 bits/s"]
    headings = ["id", "date", "codes", "mel error", "sounds", "utilization", "vocoder", "prior"]
    assert row_of(said, "name ")[1:] == [*headings, "size"]
    assert len({len(line) for line in said.stdout.splitlines()}) == 1


def test_second_of_a_name_is_shown_with_what_to_type(say: Say, models: Catalog) -> None:
    for _ in range(2):
        publish_bundle(models, "drums")
    said = say("list")
    assert row_of(said, "drums (")[0] == "drums (drums_1)"
    assert say("info", "drums_1").stdout.startswith("drums (drums_1)\n")


def test_long_name_leaves_room_for_the_rest(models: Catalog) -> None:
    """On a narrow terminal; piped, all of it is there."""
    long = "长 long " * 30
    entries = [publish_bundle(models, name, fields=VOCODER) for name in (long, "🥁")]
    for line in models_table(entries, width=117):
        assert cell_len(line) == 117
    narrow = list(models_table(entries, width=60))
    assert max(map(cell_len, narrow)) <= 60
    assert "\n".join(narrow).count("HiFi-GAN (200 ep)") == 2
    assert sum(line.endswith(" MB") for line in narrow) == 2
    assert any(long in line for line in models_table(entries, width=None))


def test_list_as_json_is_what_the_index_says(say: Say, models: Catalog) -> None:
    for number, name in enumerate(("b", "a")):
        publish_bundle(
            models, name, fields=VOCODER, save_date=f"2025-01-0{number + 1}T00:00:00+0000"
        )
    assert json.loads(say("list", "--json").stdout) == index_of(models)["models"]
    assert json.loads(say("info", "a", "--json").stdout) == index_of(models)["models"][1]


def test_json_stays_json_when_an_entry_is_damaged(say: Say, kit: Catalog) -> None:
    publish_bundle(kit, "other")
    alter_entry(kit, 1, levels="2")
    said = say("list", "--json")
    assert [model["name"] for model in json.loads(said.stdout)] == ["My Kit"]


@pytest.mark.parametrize("words", [("list",), ("list", "--json"), ("info", "My Kit")])
def test_a_damaged_index_is_not_an_empty_library(
    say: Say, kit: Catalog, words: tuple[str, ...]
) -> None:
    (kit.folder / NAME).write_text("{")
    say(*words).is_mistake("model_library.json: damaged", "distill.library repair")


@pytest.mark.parametrize(
    ("key", "order"),
    [
        ("name", "aBc"),
        ("id", "Bca"),
        ("date", "caB"),
        ("codes", "Bac"),
        ("loss", "acB"),
        ("utilization", "cBa"),
        ("vocoder", "caB"),
        ("size", "Bca"),
    ],
)
def test_list_is_sorted_by(say: Say, models: Catalog, key: str, order: str) -> None:
    def fields(levels: int, utilization: float) -> dict[str, Any]:
        network = {**tiny_fields()["vqvae_config"], "num_quantizers": levels}
        return {"vqvae_config": network, "codebook_health_snapshot": health(utilization)}

    vocoder = vocoder_state()
    one = {**fields(1, 0.5), "vocoder_state": {**vocoder, "type": "wavenet"}}
    two = {**fields(2, 0.75), "vocoder_state": vocoder}
    publish_bundle(models, "B", fields=one, model_id="1" * 16, save_date="2025-03")
    days = {"a": "2025-02", "c": "2025-01"}
    publish_bundle(
        models,
        "a",
        fields=two,
        model_id="3" * 16,
        save_date=days["a"],
        final_val_loss=0.1,
        description="x" * 200_000,
    )
    publish_bundle(
        models,
        "c",
        fields=fields(3, 0.25),
        model_id="2" * 16,
        save_date=days["c"],
        final_val_loss=0.2,
        description="x" * 100_000,
    )
    said = json.loads(say("list", "--sort", key, "--json").stdout)
    assert "".join(model["name"] for model in said) == order
    rows = say("list", "--sort", key, "--reverse").stdout
    assert "".join(re.findall(r"^(\w)  ", rows, re.M)) == order[::-1]


def test_what_was_done_to_the_files_by_hand_is_told_once(say: Say, kit: Catalog) -> None:
    kit.path_of(kit.find("My Kit")).unlink()
    make_bundle(kit.folder / "found.distillgan", name="found")
    said = say("list")
    assert said.err == [
        "warning: outputs/library: its files are others than its list had; "
        "added: found.distillgan; gone: my_kit.distillgan"
    ]
    assert row_of(said, "found")
    assert "My Kit" not in said.stdout
    assert say("list").err == []
