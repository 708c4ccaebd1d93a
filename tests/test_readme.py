"""What the README tells people to type works as typed."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest
import soundfile
import torch
import yaml

from distill.bundle.content import BundleContent
from distill.catalog.catalog import Catalog
from distill.catalog.index import DEFAULT_FOLDER
from distill.codec.codes import Codes
from distill.settings.compose import load_config
from distill.settings.quoting import quote_folders
from distill.settings.schema import TrainConfig
from distill.train.command import read_command
from tests.helpers.checkout import REPOSITORY
from tests.helpers.made_bundle import STATES, publish_bundle
from tests.helpers.sounds import tone
from tests.helpers.verbs import Run

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    line.split("#")[0].strip()
    for line in README.splitlines()
    if re.match(r"    (python|make|tensorboard) ", line) or re.match(r"    python -m", line)
]


def training_overrides() -> list[list[str]]:
    words = [shlex.split(command) for command in COMMANDS]
    return [line[3:] for line in words if line[:3] == ["python", "-m", "distill.train"]]


@pytest.mark.parametrize("overrides", training_overrides(), ids=" ".join)
def test_every_training_command_is_accepted(
    overrides: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("sounds", "drums", "voices", "shards"):
        Path(folder).mkdir()
    command = read_command([word.replace("/path/to/sounds", "sounds") for word in overrides])
    overrides = list(command.overrides)
    if command.folders:
        overrides.append(quote_folders(command.folders))
    if any(word.startswith(("hydra/launcher=", "hydra/sweeper=")) for word in overrides):
        pytest.importorskip("hydra_plugins.hydra_optuna_sweeper", reason="an extra")
    assert isinstance(load_config(overrides), TrainConfig)


def other_commands() -> list[tuple[str, list[str]]]:
    words = [shlex.split(command) for command in COMMANDS]
    return [
        (line[2], line[3:])
        for line in words
        if line[:2] == ["python", "-m"] and line[2] != "distill.train"
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
    targets = {command.split()[1] for command in COMMANDS if command.startswith("make ")}
    assert {"demo", "test"} <= targets
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.M), target


def test_the_table_of_keys_tells_the_real_defaults() -> None:
    config = load_config([])
    rows = re.findall(r"^\| `([\w.]+)` \| (\S+) \|", README, re.M)
    assert len(rows) >= 14
    for key, default in rows:
        value: object = config
        for part in key.split("."):
            value = getattr(value, part)
        assert value == yaml.safe_load(default.strip("`")), key


def test_the_python_example_runs(here: Path) -> None:
    publish_bundle(Catalog(here / DEFAULT_FOLDER), "kit", fields=STATES)
    code = re.search(r"```python\n(.*?)```", README, re.S)
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
    rows = {row.split("`")[1]: row for row in README.splitlines() if row.startswith("| `")}
    hints = get_type_hints(BundleContent)
    for spec in fields(BundleContent):
        key = "format" if spec.name in ("version", "model_type") else spec.name
        inner = (hints[spec.name], *get_args(hints[spec.name]))
        inner_keys = [key for part in inner if is_dataclass(part) for key in keys_of(part)]
        for name in (spec.name, *inner_keys):
            assert f"`{name}`" in rows[key], name
