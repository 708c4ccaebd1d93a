"""The verb `library` in the test's own process, and libraries for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from distill import library
from distill.catalog.catalog import Catalog
from distill.catalog.index import DEFAULT_FOLDER
from tests.helpers.made_bundle import published
from tests.helpers.tiny_bundle import vocoder_state

VOCODER = {"vocoder_state": vocoder_state()}
CONTROL = "\x1b[31mred\x07\r\u202e"
"""Text that a terminal would obey."""


@dataclass(frozen=True)
class Said:
    """What came back."""

    exit_code: object
    out: str
    err: str

    def is_mistake(self, *parts: str) -> None:
        """Exit 2 and one line on stderr with all parts."""
        assert self.exit_code == 2, self
        assert len(self.err.splitlines()) == 1, self.err
        assert self.err.startswith("distill: ")
        for part in parts:
            assert part in self.err, self.err

    def is_plain(self) -> None:
        """Nothing that a terminal would obey."""
        text = self.out + self.err
        assert not set(text) & set(CONTROL) - set("[31mred"), repr(text)


Say = Callable[..., Said]


@pytest.fixture
def say(here: Path, capsys: pytest.CaptureFixture[str]) -> Say:
    """The verb in this process, in an empty folder."""

    def run(*words: str) -> Said:
        capsys.readouterr()
        code: object = 0
        try:
            library.main(words)
        except SystemExit as end:
            code = end.code
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return run


@pytest.fixture
def models(tmp_path: Path) -> Catalog:
    """The library that is used where none is given."""
    return Catalog(tmp_path / DEFAULT_FOLDER)


@pytest.fixture
def kit(models: Catalog) -> Catalog:
    """A library of one model."""
    published(models, "My Kit", fields=VOCODER, model_id="abcd111122223333", description="808s")
    return models
