"""What docs/python.md shows runs, in the order in which it stands there."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

import distill
from distill.catalog.catalog import Catalog
from distill.catalog.index import DEFAULT_FOLDER
from distill.codec.gathered import Facts
from tests.helpers.checkout import REPOSITORY
from tests.helpers.made_bundle import STATES, publish_bundle
from tests.helpers.settings import tiny_settings
from tests.helpers.sounds import tone, write_sounds
from tests.helpers.verbs import Run

GUIDE = (REPOSITORY / "docs" / "python.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", GUIDE, re.S)


def test_every_snippet_runs(here: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    publish_bundle(Catalog(here / DEFAULT_FOLDER), "kit", fields=STATES)
    soundfile.write("kick.wav", np.stack([tone(100), tone(200)], axis=1), 8_000)
    write_sounds(here / "sounds")
    told = run("encode", "kit", "sounds", "-o", "codes", "--to", "npz")
    assert told.exit_code == 0, told
    tiny = tiny_settings()
    for name in ("fit", "prepare"):  # of the tiny network, or it takes minutes
        monkeypatch.setattr(distill, name, partial(with_tiny, getattr(distill, name), tiny))
    names: dict[str, Any] = {"__name__": "guide"}
    for snippet in SNIPPETS:
        exec(snippet, names)
        if "model.save(" in snippet:  # what follows is of the codec that was loaded
            fine, names["model"] = names["model"], distill.load("kit")
            assert fine.codec.digest == names["fine"].codec.digest != names["model"].codec.digest
    assert names["audio"].shape == (2, 8_000)
    assert names["decoded"].shape == names["mel"].shape
    assert names["moved"].grad.abs().max() > 0
    assert names["exact"].shape == (2, 8_000)
    assert names["fine"].prior is None
    assert len(names["longer"].history["val/mel_db"]) == 3
    assert names["mine"].metadata.name == "drums"
    assert torch.is_tensor(names["again"])
    assert Path("mine.ckpt").is_file()


def with_tiny(function: Any, tiny: dict[str, Any], *folder: str, **settings: Any) -> Any:
    """What a snippet asks for comes last; a run that goes on keeps its own."""
    return function(*folder, **(settings if "resume" in settings else {**tiny, **settings}))


def test_the_table_of_the_array_names_all_that_is_in_it() -> None:
    table = "".join(row for row in GUIDE.splitlines(keepends=True) if row.startswith("| `"))
    for name in (*Facts.__dataclass_fields__, "codes", "starts", "names", "labels", "classes"):
        assert f"`{name}`" in table, name
