"""What the README and the pages in docs/ tell people to type works as typed."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest
import soundfile
import torch
import yaml

from distill.__main__ import DEMO
from distill.bundle.content import BundleContent
from distill.catalog.catalog import Catalog
from distill.catalog.index import DEFAULT_FOLDER
from distill.codec.codes import Codes
from distill.settings.compose import load_config
from distill.settings.conf_files import group_files
from distill.settings.overrides import check_override, parse_overrides
from distill.settings.schema import TrainConfig
from distill.train.command import read_command
from distill.train.composing import compose_command
from distill.train.help import train_help
from tests.helpers.checkout import REPOSITORY
from tests.helpers.example_package import installed, lay_out
from tests.helpers.made_bundle import STATES, publish_bundle
from tests.helpers.own_settings import write_settings
from tests.helpers.sounds import tone
from tests.helpers.verbs import Run

PAGES = {
    path.name: path.read_text(encoding="utf-8")
    for path in (REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md")))
}
SHELLS = ("", "sh", "bash", "shell", "console")
GROUPS = [*group_files()]
OF_PYTHON = ("model", "library")
"""Groups whose names also stand for objects in Python, or modules."""


def commands_in(page: str) -> list[list[str]]:
    """The words of the commands to type: in lines that are indented, or between fences."""
    commands = []
    fence: str | None = None
    for line in page.splitlines():
        if line.startswith("```"):
            fence = line[3:].strip() if fence is None else None
        elif line.startswith("    ") if fence is None else fence in SHELLS:
            typed = line.strip().removeprefix("$ ")
            if re.match(r"(python|make|tensorboard|distill) ", typed):
                commands.append(as_module(shlex.split(typed, comments=True)))
    return commands


def as_module(words: list[str]) -> list[str]:
    """`distill VERB` as `python -m distill.VERB`, which is the same; other words are unchanged."""
    if words[0] != "distill" or words[1].startswith("-"):
        return words
    verb = "train" if words[1] == DEMO else words[1]
    return ["python", "-m", f"distill.{verb}", *words[2:]]


def tables_in(page: str) -> list[list[list[str]]]:
    """The cells of each row of each table, its head first."""
    tables = re.findall(r"(?:^ *\|.*\|\n?)+", page, re.M)
    return [[row.strip(" |").split(" | ") for row in table.splitlines()] for table in tables]


COMMANDS = [words for page in PAGES.values() for words in commands_in(page)]


def training_words() -> list[list[str]]:
    lines = [words[3:] for words in COMMANDS if words[:3] == ["python", "-m", "distill.train"]]
    lines = [words[: words.index(">")] if ">" in words else words for words in lines]
    return [list(words) for words in dict.fromkeys(map(tuple, lines))]


@pytest.fixture(scope="module")
def example_package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Installed, as docs/extending.md says."""
    site = tmp_path_factory.mktemp("site")
    lay_out(site)
    with installed(site):
        yield


@pytest.mark.parametrize("words", training_words(), ids=" ".join)
def test_every_training_command_is_accepted(
    words: list[str], example_package: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("sounds", "drums", "voices", "shards"):
        Path(folder).mkdir()
    write_shown_files()
    write_settings(Path("mine"), experiment__again="# @package _global_\n")
    command = read_command([word.replace("/path/to/sounds", "sounds") for word in words])
    if any(word.startswith(("hydra/launcher=", "hydra/sweeper=")) for word in words):
        pytest.importorskip("hydra_plugins.hydra_optuna_sweeper", reason="an extra")
    if command.help:
        assert train_help(command.config_dirs)
    else:
        assert isinstance(compose_command(command).config, TrainConfig)


def write_shown_files() -> None:
    """The files of settings that the pages show, each below its path."""
    for page in PAGES.values():
        for path, text in re.findall(r"`(\S+\.yaml)`:\n\n```yaml\n(.*?)```", page, re.S):
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_text(text, encoding="utf-8")


def other_commands() -> list[tuple[str, list[str]]]:
    return [
        (words[2], words[3:])
        for words in COMMANDS
        if words[:2] == ["python", "-m"]
        and words[2].startswith("distill.")
        and words[2] not in ("distill.train", "distill.dashboard")  # which would go on
    ]


@pytest.mark.parametrize(("verb", "arguments"), other_commands(), ids=str)
def test_every_other_command_is_accepted(run: Run, verb: str, arguments: list[str]) -> None:
    """There is no model and no sound here, but the words are right: nothing points to --help."""
    name = verb.removeprefix("distill.")
    assert "--help" in run(name, "--no-such-option").stderr
    told = run(name, *arguments)
    assert told.exit_code in (0, 2)
    assert "--help" not in told.stderr


def test_the_make_targets_exist() -> None:
    targets = {words[1] for words in COMMANDS if words[0] == "make"}
    assert {"demo", "test"} <= targets
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.M), target


def test_tables_of_keys_tell_the_real_defaults() -> None:
    config = load_config([])
    tables = [table for page in PAGES.values() for table in tables_in(page)]
    rows = [row for head, *rows in tables if head[:2] == ["key", "default"] for row in rows[1:]]
    assert len(rows) >= 14
    for keys, default, *_ in rows:
        for key in re.findall(r"`([\w.]+)`", keys):
            value: object = config
            for part in key.split("."):
                value = getattr(value, part)
            assert value == yaml.safe_load(default.strip("`")), key


def test_every_key_that_a_page_names_exists() -> None:
    """`rvq.levels` or `rvq.levels=4`, wherever it stands."""
    named = re.compile(
        r"`[+~]*((?:GROUPS)(?:\.\w+)+)(=[^`]*)?`".replace("GROUPS", "|".join(GROUPS))
    )
    keys = [
        key
        for page in PAGES.values()
        for key, value in named.findall(page)
        if value or key.partition(".")[0] not in OF_PYTHON
    ]
    assert len(keys) >= 20
    for key in keys:
        check_override(*parse_overrides([f"{key}=null"]))


def test_the_python_example_runs(here: Path) -> None:
    publish_bundle(Catalog(here / DEFAULT_FOLDER), "kit", fields=STATES)
    code = re.search(r"```python\n(.*?)```", PAGES["README.md"], re.S)
    assert code
    stereo = np.stack([tone(100), tone(200)], axis=1)
    soundfile.write("kick.wav", stereo, 8_000)
    names: dict[str, Any] = {}
    exec(code[1], names)
    assert names["codes"].indices.shape[0] == 2
    assert names["audio"].shape == (2, len(stereo))
    assert names["audio"].dtype == torch.float32
    assert Codes.load("kick.distillcodes").samples == len(stereo)
    assert [len(sound) for sound in names["new"]] == [8_000] * 4
    assert names["sound"].codes.samples == 8_000


def test_the_references_name_every_paper_that_the_code_does() -> None:
    listed = (REPOSITORY / "docs" / "references.md").read_text(encoding="utf-8")
    named = {
        number
        for folder, kind in (("distill", "*.py"), ("conf", "*.yaml"))
        for file in (REPOSITORY / folder).rglob(kind)
        for number in re.findall(r"arXiv:([\d.]+\d)", file.read_text(encoding="utf-8"))
    }
    assert len(named) > 10
    assert sorted(number for number in named if number not in listed) == []


def test_importing_distill_stays_light() -> None:
    probe = "import distill, sys; print('torch' in sys.modules, 'numpy' in sys.modules)"
    shown = subprocess.run(
        [sys.executable, "-c", probe], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert shown.stdout.split() == ["False", "False"]


def keys_of(kind: Any) -> list[str]:
    """The fields of a dataclass, and those of the dataclasses in it."""
    hints = get_type_hints(kind)
    keys = []
    for spec in fields(kind):
        hint = hints[spec.name]
        inner = [part for part in (hint, *get_args(hint)) if is_dataclass(part)]
        keys += [spec.name, *(key for part in inner for key in keys_of(part))]
    return keys


def test_the_table_of_the_file_names_every_key() -> None:
    lines = PAGES["file-format.md"].splitlines()
    rows = {row.split("`")[1]: row for row in lines if row.startswith("| `")}
    hints = get_type_hints(BundleContent)
    for spec in fields(BundleContent):
        key = "format" if spec.name in ("version", "model_type") else spec.name
        inner = (hints[spec.name], *get_args(hints[spec.name]))
        inner_keys = [key for part in inner if is_dataclass(part) for key in keys_of(part)]
        for name in (spec.name, *inner_keys):
            assert f"`{name}`" in rows[key], name
