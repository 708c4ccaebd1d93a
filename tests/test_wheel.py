"""A wheel works away from the checkout: conf/ is inside."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.helpers.checkout import REPOSITORY
from tests.helpers.runs import TINY


@pytest.mark.slow
def test_the_wheel_trains_away_from_the_checkout(sounds: Path, tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path), str(REPOSITORY)],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    unpacked = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unpacked)
    assert (unpacked / "distill" / "conf" / "train.yaml").is_file()
    assert (unpacked / "distill" / "shard.py").is_file()
    run = subprocess.run(
        [sys.executable, "-m", "distill", "train", *TINY, "data.root=sounds"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(unpacked)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert list(tmp_path.glob("outputs/train/*/listen.html")), "its script and style are inside"
    model = run.stdout.rstrip().splitlines()[-1]
    probe = f"import distill; print(distill.__file__, distill.load({model!r}).metadata.name)"
    loaded = subprocess.run(
        [sys.executable, "-c", probe],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(unpacked)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(unpacked) in loaded.stdout
