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

TRAIN_AND_LOAD = """
import sys, distill
from distill.__main__ import main
del sys.argv[0]
main()
(model,) = __import__("pathlib").Path("outputs/library").glob("*.distillgan")
print(distill.__file__, distill.load(model).metadata.dataset_name)
"""


@pytest.mark.slow
def test_the_wheel_trains_away_from_the_checkout(sounds: Path, tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=REPOSITORY, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    unpacked = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unpacked)
    assert (unpacked / "distill" / "conf" / "train.yaml").is_file()
    assert (unpacked / "distill" / "shard.py").is_file()
    run = subprocess.run(
        [sys.executable, "-c", TRAIN_AND_LOAD, "distill", "train", *TINY, "data.root=sounds"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(unpacked)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert list(tmp_path.glob("outputs/train/*/listen.html")), "its script and style are inside"
    assert run.stdout.splitlines()[-1] == f"{unpacked}/distill/__init__.py sounds"
