"""`python -m distill.library list|info`, as typed, and mistakes of all kinds."""
# ruff: noqa: F401, F811
# fixtures are imported, and used by their names

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from distill.catalog.catalog import Catalog
from distill.catalog.index import NAME
from distill.cli.library_view import models_table
from tests.cli.test_command_line import answer_to, assert_one_line
from tests.conftest import environment
from tests.helpers.library_verb import CONTROL, VOCODER, Said, Say, kit, models, say
from tests.helpers.made_bundle import alter_entry, index_of, made, published, tiny_fields
from tests.helpers.tiny_bundle import vocoder_state


def health(utilization: float) -> dict[str, dict[str, float]]:
    levels = tiny_fields()["codebook_health_snapshot"]
    return {**levels, "level_1": {**levels["level_1"], "utilization": utilization}}


def row_of(said: Said, name: str) -> list[str]:
    """The cells of one model's row that are not empty."""
    (row,) = [line for line in said.out.splitlines() if line.startswith(name)]
    return re.split("  +", row)


# -- without torch ---------------------------------------------------


def verb(*words: str) -> list[str]:
    return [sys.executable, "-m", "distill.library", *words]


def test_list_info_and_delete_do_without_torch(kit: Catalog, tmp_path: Path) -> None:
    folder = str(kit.folder)
    for number, words in enumerate([["list"], ["info", "abcd"], ["delete", "My Kit", "--yes"]]):
        (tmp_path / str(number)).mkdir()
        answer = answer_to(tmp_path / str(number), command=verb(*words, "--library", folder))
        assert (answer.exit_code, answer.err) == (0, "")
        assert "My Kit" in answer.out or "deleted:" in answer.out
        assert not answer.imported_torch
        assert answer.made == []
    assert kit.entries() == []


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["info", "nothing"], ["nothing: no such model file", "My Kit"]),
        (["lst"], ["lst", "--help"]),
        (["info"], ["NAME"]),
    ],
)
def test_mistake_is_one_line_without_torch(
    kit: Catalog, tmp_path: Path, words: list[str], parts: list[str]
) -> None:
    more = ["--library", str(kit.folder)] if len(words) > 1 else []
    assert_one_line(answer_to(tmp_path, command=verb(*words, *more)), *parts)


@pytest.mark.parametrize("words", [["list"], ["list", "--json"]], ids=" ".join)
def test_reader_that_has_seen_enough_is_no_error(kit: Catalog, words: list[str]) -> None:
    """`library list | head -1`, where head is already gone."""
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        verb(*words, "--library", str(kit.folder)),
        env=environment(),
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
    )
    os.close(writing)
    assert ended.stderr == ""


# -- mistakes --------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ([], "list|info|rename|delete|repair|add"),
        (["list", "--sort", "colour"], "colour"),
        (["list", "--colour"], "--colour"),
        (["list", "--library", "my.wav"], "my.wav"),
        (["delete"], "NAME"),
        (["delete", "nothing", "--yes"], "nothing: no such model file"),
        (["info", "abc"], "abc: no such model file"),
        (["repair", "--library", "nowhere"], "nowhere: no such folder"),
        (["add"], "FILE"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistake_is_told_in_one_line(say: Say, kit: Catalog, words: list[str], part: str) -> None:
    Path("my.wav").touch()
    say(*words).is_mistake(part)
    assert [entry.name for entry in kit.entries()] == ["My Kit"]


def test_help_tells_the_verbs(say: Say) -> None:
    said = say("--help")
    assert said.exit_code == 0
    for word in ("list", "info", "delete", "repair", "add"):
        assert word in said.out
    assert "--sort" in say("list", "--help").out


# -- list ------------------------------------------------------------


@pytest.mark.parametrize("there", [True, False])
def test_list_of_nothing(say: Say, models: Catalog, there: bool) -> None:
    if there:
        models.folder.mkdir(parents=True)
    said = say("list")
    assert (said.exit_code, said.err) == (0, "")
    assert said.out == "no models in outputs/library\n"
    assert json.loads(say("list", "--json").out) == []
    assert models.folder.exists() == there


def test_list_shows_a_row_a_model(say: Say, models: Catalog) -> None:
    published(models, "drums", fields={**VOCODER, "codebook_health_snapshot": health(0.25)})
    published(models, "voices", final_val_loss=0.125, model_id="feedc0de00000000")
    said = say("list")
    assert said.exit_code == 0
    size = f"{models.find('voices').size_bytes / 1e6:.1f} MB"
    row = ["voices", "feedc0de", "2025-01-01 00:01", "2 × 8", "0.1250", "87.5%", size]
    assert row_of(said, "voices") == row
    assert row_of(said, "drums")[4:6] == ["25.0%", "HiFi-GAN (200 ep)"]
    headings = ["id", "date", "codes", "val loss", "worst utilization", "vocoder", "size"]
    assert row_of(said, "name ")[1:] == headings
    assert len({len(line) for line in said.out.splitlines()}) == 1


def test_second_of_a_name_is_shown_with_what_to_type(say: Say, models: Catalog) -> None:
    for _ in range(2):
        published(models, "drums")
    said = say("list")
    assert row_of(said, "drums (")[0] == "drums (drums_1)"
    assert say("info", "drums_1").out.startswith("drums (drums_1)\n")


def test_long_name_leaves_room_for_the_rest(models: Catalog) -> None:
    """On a narrow terminal; piped, all of it is there."""
    long = "长 long " * 30
    entries = [published(models, name, fields=VOCODER) for name in (long, "🥁")]
    for line in models_table(entries, models, width=110):
        assert cell_len(line) == 110
    narrow = list(models_table(entries, models, width=60))
    assert all("HiFi-GAN (200 ep)" in line and line.endswith("MB") for line in narrow[1:])
    assert any(long in line for line in models_table(entries, models, width=None))


def test_list_as_json_is_what_the_index_says(say: Say, models: Catalog) -> None:
    for number, name in enumerate(("b", "a")):
        published(models, name, fields=VOCODER, save_date=f"2025-01-0{number + 1}T00:00:00+0000")
    assert json.loads(say("list", "--json").out) == index_of(models)["models"]
    assert json.loads(say("info", "a", "--json").out) == index_of(models)["models"][1]


def test_json_stays_json_when_an_entry_is_damaged(say: Say, kit: Catalog) -> None:
    published(kit, "other")
    alter_entry(kit, 1, levels="2")
    said = say("list", "--json")
    assert [model["name"] for model in json.loads(said.out)] == ["My Kit"]


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
    published(models, "B", fields=one, model_id="1" * 16, save_date="2025-03")
    days = {"a": "2025-02", "c": "2025-01"}
    published(models, "a", fields=two, model_id="3" * 16, save_date=days["a"], final_val_loss=0.1)
    published(
        models,
        "c",
        fields=fields(3, 0.25),
        model_id="2" * 16,
        save_date=days["c"],
        final_val_loss=0.2,
    )
    for number, size in enumerate((10, 30, 20)):  # B, a, c
        alter_entry(models, number, size_bytes=size)
    said = json.loads(say("list", "--sort", key, "--json").out)
    assert "".join(model["name"] for model in said) == order
    rows = say("list", "--sort", key, "--reverse").out
    assert "".join(re.findall(r"^(\w)  ", rows, re.M)) == order[::-1]


def test_model_whose_file_is_gone_is_marked(say: Say, kit: Catalog) -> None:
    kit.path_of(kit.find("My Kit")).unlink()
    assert row_of(say("list"), "My Kit")[-1] == "file is gone"
    assert "but the file is gone" in say("info", "My Kit").out


def test_orphans_are_hinted_at_and_the_hint_helps(say: Say, kit: Catalog) -> None:
    made(kit.folder / "found.distillgan", name="found")
    said = say("list")
    (hint,) = [line for line in said.err.splitlines() if "warning" in line]
    assert "1 model file" in hint
    assert "found.distillgan" in hint
    command = hint.split("python -m distill.library ")[1]
    assert "added: found.distillgan" in say(*command.split()).out
    said = say("list")
    assert "found" in said.out
    assert "warning" not in said.out + said.err


# -- info ------------------------------------------------------------


def test_info_tells_everything(say: Say, kit: Catalog) -> None:
    said = say("info", "abcd")
    assert (said.exit_code, said.err) == (0, "")
    entry = kit.find("abcd")
    for part in (
        *("My Kit", entry.id, entry.checksum, "808s", "HiFi-GAN (200 ep)", "2025-01-02"),
        *("outputs/library/my_kit.distillgan", "none: 3 files, 1.5 s", "2 epochs"),
        *("2 levels of 8 codes", "kbit/s", "16,000 Hz", "█▁  1 → 0.5000", "█▁  1.25 → 0.75"),
    ):
        assert part in said.out, part
    levels = re.findall(r"│ +(\d) │ +([\d.]+%) │ +([\d.]+) │ +(\d+) │", said.out)
    assert levels == [("0", "87.5%", "6.5", "1"), ("1", "87.5%", "6.5", "0")]


def test_curve_of_losses_is_drawn_and_gaps_stay_gaps(say: Say, models: Catalog) -> None:
    losses = [8.0, 4.0, float("nan"), 2.0, 1.0]
    history = {**tiny_fields()["loss_curve_history"], "val_losses": losses, "train_losses": []}
    published(models, "kit", fields={"loss_curve_history": history}, final_val_loss=1.0)
    out = say("info", "kit").out
    assert re.search(r"val loss +█▄ ▂▁  8 → 1.0000", out)
    assert "train loss" not in out


@pytest.mark.parametrize("words", [["list"], ["info", "red"], ["delete", "red", "--yes"]])
def test_no_name_commands_the_terminal(say: Say, models: Catalog, words: list[str]) -> None:
    texts = ("description", "dataset_name", "save_date", "training_date", "distill_version")
    level = tiny_fields()["codebook_health_snapshot"]["level_0"]
    state = {**vocoder_state(), "type": CONTROL}
    fields = {"codebook_health_snapshot": {CONTROL: level}, "vocoder_state": state}
    made(
        models.folder / f"{CONTROL}.distillgan",
        fields=fields,
        name=CONTROL,
        tags=[CONTROL],
        model_id="red" + CONTROL,
        **dict.fromkeys(texts, CONTROL),
    )
    models.repair()
    said = say(*[word.replace("red", CONTROL) for word in words])
    assert (said.exit_code, said.err) == (0, "")
    assert "red" in said.out
    said.is_plain()


@pytest.mark.parametrize("text", ["[/x]", "[red]", ":x:", "a:100:b", "[link=x]y"])
def test_text_is_shown_as_it_is_written(say: Say, models: Catalog, text: str) -> None:
    """Neither markup nor short names of pictures mean anything in what a user wrote."""
    texts = ("description", "dataset_name", "save_date", "training_date", "distill_version")
    metadata: dict[str, Any] = dict.fromkeys(texts, text)
    published(models, text, tags=[text], model_id="1" * 16, **metadata)
    said = say("list")
    assert (said.exit_code, said.err) == (0, "")
    assert row_of(said, text)[2] == text
    said = say("info", "1111")
    assert (said.exit_code, said.err) == (0, "")
    assert said.out.count(text) >= 7
