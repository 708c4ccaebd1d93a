"""`scripts/bench/hearing.py`: figures for a model and a folder, with and without an ear."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.helpers.checkout import REPOSITORY
from tests.helpers.forks import start
from tests.helpers.sounds import write_sounds

pytestmark = pytest.mark.slow
WAYS = {"Griffin-Lim", "original's phase", "true mel"}


def with_what_is_beside_it() -> None:
    """As Python starts a script."""
    sys.path.insert(0, str(REPOSITORY / "scripts" / "bench"))


def without_ears() -> None:
    """As where the extra is not installed."""
    sys.modules.update(zimtohrli=None, visqol=None)  # type: ignore[call-overload]


def answer(folder: Path, *words: str, prepare: tuple[str, ...] = ()) -> list[str]:
    prepare = (f"{__name__}:with_what_is_beside_it", *prepare)
    script = start(folder, *words, program="scripts.bench.hearing", prepare=prepare)
    out, err = script.communicate()
    assert script.wait() == 0, err
    return out.splitlines()


def test_held_out_sounds_by_all_ways(model: Path, tmp_path: Path) -> None:
    write_sounds(tmp_path / "sounds")
    words = (str(model), "sounds", "--limit", "2")
    lines = answer(tmp_path, *words, prepare=(f"{__name__}:without_ears",))
    assert sum("pip install 'distill[measure]'" in line for line in lines) == 1
    found = json.loads(lines[-1])
    assert found["side"] == "held-out"
    assert 1 <= found["sounds"] <= 2
    assert set(found["leads"]) == {"0", "0.05", "0.17", "0.3", "0.68"}
    assert found["sound"].keys() == WAYS
    for row in found["sound"].values():
        assert row["level_10_db"] <= row["level_db"] <= row["level_90_db"]
        assert "ear" not in row
        assert row["original_rise_ms"] < 2
        assert 0 <= row["sharp"] <= row["original_sharp"] == 1, "tones that begin at once"
        assert 0 <= row["rise_ms"] <= 50
    assert sum(", originals " in line for line in lines) == len(WAYS)
    assert found["sound"]["true mel"]["decoded_mel_db"] == 0
    sounds = [row["mel_db"] for row in found["sound"].values()]
    assert min(sounds) == found["sound"]["true mel"]["mel_db"]


def test_all_sounds_by_ear(model: Path, tmp_path: Path) -> None:
    pytest.importorskip("zimtohrli", reason="an extra")
    write_sounds(tmp_path / "sounds")
    lines = answer(tmp_path, str(model), "sounds", "--all")
    found = json.loads(lines[-1])
    assert found["sounds"] == 12
    ears = {way: row["ear_mos"] for way, row in found["sound"].items()}
    assert max(ears, key=ears.__getitem__) == "true mel"
