"""A wheel works away from the checkout: conf/ is inside. A source distribution is a checkout."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.helpers.checkout import REPOSITORY
from tests.helpers.runs import TINY

PAGES = sorted((REPOSITORY / "docs").glob("*.md"))
PAPERS = ("README.md", "CONTRIBUTING.md", *(f"docs/{page.name}" for page in PAGES))
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
PATH = re.compile(r"`((?:conf|distill|docs|scripts|tests)/[\w./-]*)`")
TRAIN_AND_LOAD = """
import sys, distill
from distill.__main__ import main
del sys.argv[0]
main()
(model,) = __import__("pathlib").Path("outputs/library").glob("*.distillgan")
print(distill.__file__, distill.load(model).metadata.dataset_name)
"""


def build(kind: str, folder: Path) -> None:
    words = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)]
    subprocess.run(words, cwd=REPOSITORY, check=True, capture_output=True)


def test_the_source_distribution_has_what_the_papers_name(tmp_path: Path) -> None:
    """And what `make` needs."""
    build("sdist", tmp_path)
    with tarfile.open(*tmp_path.glob("*.tar.gz")) as archive:
        files = {Path(*Path(name).parts[1:]) for name in archive.getnames()}
    there = files.union(*(file.parents for file in files))
    named = {Path(paper) for paper in (*PAPERS, "CITATION.cff", "Makefile", "constraints.txt")}
    for paper in PAPERS:
        text = (REPOSITORY / paper).read_text(encoding="utf-8")
        links = (Path(paper).parent / link for link in LINK.findall(text))
        named |= {Path(os.path.normpath(link)) for link in links}
        named |= {Path(path) for path in PATH.findall(text) if "NAME" not in path}
    assert len(named) > 20
    assert named <= there


def test_the_wheel_has_every_file_of_the_package(tmp_path: Path) -> None:
    """Settings, starter weights, pages, and the command."""
    build("wheel", tmp_path)
    with zipfile.ZipFile(*tmp_path.glob("*.whl")) as archive:
        files = set(archive.namelist())
        (entry_points,) = [name for name in files if name.endswith("/entry_points.txt")]
        assert "distill = distill.__main__:main" in archive.read(entry_points).decode()
    expected = {f"distill/{path}" for path in files_in("conf", REPOSITORY)}
    expected |= files_in("distill", REPOSITORY)
    assert {Path(path).suffix for path in expected} >= {".pt", ".js", ".css", ".yaml"}
    assert expected <= files


def files_in(folder: str, root: Path) -> set[str]:
    """Their paths below the root, but for what Python has compiled."""
    found = (path for path in (root / folder).rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix() for path in found if path.suffix != ".pyc"}


@pytest.mark.slow
def test_the_wheel_trains_away_from_the_checkout(sounds: Path, tmp_path: Path) -> None:
    build("wheel", tmp_path)
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
