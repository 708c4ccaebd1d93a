"""`python -m distill.shard` before anything is written: what is refused, and how early."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from distill.data.collection import Collection
from distill.data.shard_folder import begin, check_out
from distill.errors import DistillError
from tests.helpers.runs import environment

HEAVY = ("torch", "litdata", "hydra", "lightning", "numpy")


def test_help_imports_nothing_heavy() -> None:
    probe = (
        "import sys; from distill.shard import main\n"
        "try:\n main(['--help'])\nexcept SystemExit as end:\n code = end.code\n"
        f"print(code, [name for name in {HEAVY} if name in sys.modules])"
    )
    told = subprocess.run(
        [sys.executable, "-c", probe], env=environment(), capture_output=True, text=True, check=True
    ).stdout
    assert "FOLDER OUT" in told
    assert "KEY=VALUE" in told
    assert told.splitlines()[-1] == "0 []"


def test_a_new_folder_or_one_that_was_begun_is_fine(
    sounds: Path, tmp_path: Path, scan_folder: Callable[..., Collection]
) -> None:
    out = tmp_path / "new" / "shards"
    for _ in range(2):
        check_out(sounds, out)
        with begin(scan_folder(sounds), out) as report:
            assert report == out / "collection.json"
            assert report.is_file()
            with pytest.raises(DistillError, match="another process is writing"):
                begin(scan_folder(sounds), out).__enter__()
        assert [path.name for path in out.iterdir()] == ["collection.json"]


@pytest.mark.parametrize(
    ("out", "reason"),
    [
        ("s3:/bucket/shards", "must be a folder"),
        ("notes.txt", "is a file, not a folder"),
        ("sounds", "is inside the folder of the sounds"),
        ("sounds/shards", "is inside the folder of the sounds"),
        ("full", "holds other files"),
        ("whole", "already holds complete shards"),
    ],
)
def test_what_is_no_place_for_shards_is_refused(
    sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str, reason: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("notes.txt").touch()
    for name in ("full/thesis.doc", "whole/distill.json", "whole/collection.json"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    with pytest.raises(DistillError, match=f"^{out}: .*{reason}"):
        check_out(Path("sounds"), Path(out))


@pytest.mark.parametrize("other", ["another collection", "damage"])
def test_shards_of_other_sounds_are_not_mixed_in(
    sounds: Path, tmp_path: Path, scan_folder: Callable[..., Collection], other: str
) -> None:
    out = tmp_path / "shards"
    with begin(scan_folder(sounds), out) as report:
        pass
    if other == "damage":
        report.write_text("{")
    else:
        (sounds / "0.wav").unlink()
    before = report.read_bytes()
    with pytest.raises(DistillError, match="shards of other sounds"):
        begin(scan_folder(sounds), out).__enter__()
    assert report.read_bytes() == before
