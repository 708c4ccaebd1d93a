"""`scripts/bench/hearing.py`: figures for a model and a folder, with and without an ear."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.checkout import REPOSITORY
from tests.helpers.runs import environment
from tests.helpers.sounds import write_sounds

pytestmark = pytest.mark.slow
SCRIPT = REPOSITORY / "scripts" / "bench" / "hearing.py"
WITHOUT_EARS = (
    "import runpy, sys; sys.modules.update(zimtohrli=None, visqol=None); "
    f"sys.path.insert(0, {str(SCRIPT.parent)!r}); sys.argv.pop(0); "
    f"runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
)
WAYS = {"Griffin-Lim", "original's phase", "true mel"}


def answer(folder: Path, start: list[str], *words: str) -> list[str]:
    ended = subprocess.run(
        [sys.executable, *start, *words],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()


def test_held_out_sounds_by_all_ways(model: Path, tmp_path: Path) -> None:
    write_sounds(tmp_path / "sounds")
    lines = answer(
        tmp_path, ["-c", WITHOUT_EARS, str(SCRIPT)], str(model), "sounds", "--limit", "2"
    )
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
    lines = answer(tmp_path, [str(SCRIPT)], str(model), "sounds", "--all")
    found = json.loads(lines[-1])
    assert found["sounds"] == 12
    ears = {way: row["ear_mos"] for way, row in found["sound"].items()}
    assert max(ears, key=ears.__getitem__) == "true mel"
