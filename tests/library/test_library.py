"""`python -m distill.library info`, as typed, and mistakes of all its verbs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from distill.catalog.catalog import Catalog
from tests.helpers.commands import answers_to, assert_one_line
from tests.helpers.made_bundle import make_bundle, publish_bundle, tiny_fields
from tests.helpers.runs import environment
from tests.helpers.tiny_bundle import vocoder_state
from tests.helpers.verbs import CONTROL, Say, row_of

# -- without torch ---------------------------------------------------


def verb(*words: str) -> list[str]:
    return [sys.executable, "-m", "distill.library", *words]


def test_list_info_and_delete_do_without_torch(kit: Catalog, tmp_path: Path) -> None:
    words = [["list"], ["info", "abcd"], ["delete", "My Kit", "--yes"]]
    commands = [["library", *each, "--library", str(kit.folder)] for each in words]
    for answer in answers_to(tmp_path, commands):
        assert (answer.exit_code, answer.err) == (0, "")
        assert "My Kit" in answer.out or "deleted:" in answer.out
        assert not answer.imported_torch
        assert answer.made == []
    assert kit.entries() == []


def test_mistake_is_one_line_without_torch(kit: Catalog, tmp_path: Path) -> None:
    folder = str(kit.folder)
    commands = [["info", "nothing", "--library", folder], ["lst"], ["info"]]
    unknown, no_verb, no_name = answers_to(tmp_path, [["library", *words] for words in commands])
    assert_one_line(unknown, "nothing: no such model file", "My Kit")
    assert_one_line(no_verb, "lst", "--help")
    assert_one_line(no_name, "NAME")


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
        ([], "list|info|sounds|rename|delete|repair|add|export"),
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
        assert word in said.stdout
    assert "--sort" in say("list", "--help").stdout


# -- info ------------------------------------------------------------


def test_info_tells_everything(say: Say, kit: Catalog) -> None:
    said = say("info", "abcd")
    assert (said.exit_code, said.stderr) == (0, "")
    entry = kit.find("abcd")
    for part in (
        *("My Kit", entry.id, entry.checksum, "808s", "HiFi-GAN (200 ep)", "2025-01-02"),
        *("outputs/library/my_kit.distillgan", "none: 3 files, 1.5 s", "2 epochs"),
        *("2 levels of 8 codes", "kbit/s", "16,000 Hz", "█▁  1 → 0.5000", "█▁  1.25 → 0.75"),
        "mel error 10.00 dB, onset error 9.00 dB, peak loss 2.00 dB, level -1.5 dB",
        "rough: the mel error is the worst, 10.00 dB (close: 1.9)",
    ):
        assert part in said.stdout, part
    levels = re.findall(r"│ +(\d) │ +([\d.]+%) │ +([\d.]+) │ +(\d+) │", said.stdout)
    assert levels == [("0", "87.5%", "6.5", "1"), ("1", "87.5%", "6.5", "0")]


def test_curve_of_losses_is_drawn_and_gaps_stay_gaps(say: Say, models: Catalog) -> None:
    losses = [8.0, 4.0, float("nan"), 2.0, 1.0]
    history = {**tiny_fields()["loss_curve_history"], "val_losses": losses, "train_losses": []}
    publish_bundle(models, "kit", fields={"loss_curve_history": history}, final_val_loss=1.0)
    out = say("info", "kit").stdout
    assert re.search(r"val loss +█▄ ▂▁  8 → 1.0000", out)
    assert "train loss" not in out


@pytest.mark.parametrize("words", [["list"], ["info", "red"], ["delete", "red", "--yes"]])
def test_no_name_commands_the_terminal(say: Say, models: Catalog, words: list[str]) -> None:
    texts = ("description", "dataset_name", "save_date", "training_date", "distill_version")
    level = tiny_fields()["codebook_health_snapshot"]["level_0"]
    state = {**vocoder_state(), "type": CONTROL}
    fields = {"codebook_health_snapshot": {CONTROL: level}, "vocoder_state": state}
    make_bundle(
        models.folder / f"{CONTROL}.distillgan",
        fields=fields,
        name=CONTROL,
        tags=[CONTROL],
        model_id="red" + CONTROL,
        **dict.fromkeys(texts, CONTROL),
    )
    models.repair()
    said = say(*[word.replace("red", CONTROL) for word in words])
    assert (said.exit_code, said.stderr) == (0, "")
    assert "red" in said.stdout
    said.is_plain()


@pytest.mark.parametrize("text", ["[/x]", "[red]", ":x:", "a:100:b", "[link=x]y"])
def test_text_is_shown_as_it_is_written(say: Say, models: Catalog, text: str) -> None:
    """Neither markup nor short names of pictures mean anything in what a user wrote."""
    texts = ("description", "dataset_name", "save_date", "training_date", "distill_version")
    metadata: dict[str, Any] = dict.fromkeys(texts, text)
    publish_bundle(models, text, tags=[text], model_id="1" * 16, **metadata)
    said = say("list")
    assert (said.exit_code, said.stderr) == (0, "")
    assert row_of(said, text)[2] == text
    said = say("info", "1111")
    assert (said.exit_code, said.stderr) == (0, "")
    assert said.stdout.count(text) >= 7
