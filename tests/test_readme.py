"""What the README tells people to type works as typed."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile
import torch
import yaml

import distill
from distill.compose import load_config
from distill.config import TrainConfig
from tests.conftest import REPOSITORY, tone
from tests.training.conftest import Train, train_here  # noqa: F401

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
    for folder in ("sounds", "drums", "voices"):
        Path(folder).mkdir()
    overrides = [word for word in overrides if not word.startswith("-")]
    overrides = [word.replace("/path/to/sounds", "sounds") for word in overrides]
    assert isinstance(load_config(overrides), TrainConfig)


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


def test_the_python_example_runs(
    sounds: Path,
    train_here: Train,  # noqa: F811
) -> None:
    run_dir = train_here("run", "data.root=sounds")
    code = re.search(r"```python\n(.*?)```", README, re.S)
    assert code
    example = code[1].replace("outputs/train/.../best.distillgan", str(run_dir / "best.distillgan"))
    soundfile.write("kick.wav", tone(100), 16_000)
    names: dict[str, object] = {}
    exec(example, names)
    decoded = names["mel"]
    assert isinstance(decoded, torch.Tensor)
    loaded = distill.load(run_dir / "best.distillgan")
    assert decoded.shape == loaded.spectrogram(names["waveform"]).shape
    assert names["audio"].shape == (1, 8000)  # type: ignore[attr-defined]


def test_importing_distill_stays_light() -> None:
    probe = "import distill, sys; print('torch' in sys.modules, 'numpy' in sys.modules)"
    shown = subprocess.run(
        [sys.executable, "-c", probe], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert shown.stdout.split() == ["False", "False"]
