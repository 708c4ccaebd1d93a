"""The verbs encode, decode and reconstruct in the test's own process, and a model for them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import soundfile

from distill.bundle.format import write_bundle
from distill.catalog.catalog import Catalog
from tests.conftest import tone
from tests.helpers.tiny_bundle import fields_of, tiny_model

LIBRARY = Path("outputs/library")
SPEED = r"\d+(\.\d)? x real time"


@dataclass(frozen=True)
class Told:
    """What came back."""

    exit_code: object
    out: list[str]
    err: list[str]

    def line_of(self, result: str) -> str:
        """The one line that tells of a result."""
        (line,) = [line for line in self.out if line.startswith(f"{result}: ")]
        return line

    def number(self, pattern: str, line: str) -> float:
        """The number in a line where `#` is in the pattern."""
        found = re.search(re.escape(pattern).replace(r"\#", r"(\d+\.\d\d)"), line)
        assert found, line
        return float(found[1])


Run = Callable[..., Told]


@pytest.fixture
def run(here: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """A verb in this process, in the test's folder."""

    def work(verb: str, *words: str | Path) -> Told:
        capsys.readouterr()
        code: object = 0
        try:
            import_module(f"distill.{verb}").main([str(word) for word in words])
        except SystemExit as end:
            code = end.code
        told = capsys.readouterr()
        return Told(code, told.out.splitlines(), told.err.splitlines())

    return work


tiny_fields = cache(lambda seed: fields_of(tiny_model(seed)))


def bundle(path: Path, *, seed: int = 0, **metadata: Any) -> Path:
    """A tiny model, or with another seed another; written if it is not there."""
    if not path.exists():
        fields = tiny_fields(seed)
        write_bundle(path, {**fields, "metadata": {**fields["metadata"], **metadata}})
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return bundle(tmp_path / "tiny.distillgan")


@pytest.fixture
def library(tmp_path: Path, model: Path) -> Catalog:
    """The library that is used where none is given, with the model in it."""
    catalog = Catalog(tmp_path / LIBRARY)
    catalog.publish(model)
    return catalog


def sound(
    path: Path, *, rate_hz: int = 16_000, samples: int = 3_200, channels: int = 1, hz: float = 440
) -> Path:
    """A sound file, its folder too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    waveform = tone(hz, samples / rate_hz, rate_hz)[:samples]
    form = {".aif": "AIFF"}.get(path.suffix)
    soundfile.write(path, waveform[:, None].repeat(channels, 1), rate_hz, format=form)
    return path


def files(folder: Path) -> list[str]:
    """All below, hidden ones too."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
