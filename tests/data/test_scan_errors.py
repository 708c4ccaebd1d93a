"""What a scan cannot read or write is told, and nothing that is done is lost."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from distill.audio.reasons import Reason
from distill.data.collection import Collection
from distill.errors import CollectionError
from tests.helpers.scans import left_out, used_paths

Scan = Callable[..., Collection]


def test_folder_that_cannot_be_listed_is_reported(
    sounds: Path, scan_folder: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = sounds / "closed"
    closed.mkdir()
    list_folder = os.scandir

    def refused(path: str | Path = ".") -> Iterator[os.DirEntry[str]]:
        if Path(path) == closed:
            raise PermissionError(13, "Permission denied", str(path))
        return list_folder(path)

    monkeypatch.setattr(os, "scandir", refused)
    collection = scan_folder(sounds)
    assert len(collection.sounds) == 12
    assert [file.path for file in collection.left_out] == [str(closed)]
    assert collection.left_out[0].reason is Reason.UNREADABLE
    assert collection.left_out[0].detail == "cannot be searched: Permission denied"


def test_file_that_may_not_be_read_is_reported(
    sounds: Path, scan_folder: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_path = Path.open

    def refused(path: Path, *arguments: object, **more: object) -> object:
        if path.name == "3.wav":
            raise PermissionError(13, "Permission denied", str(path))
        return open_path(path, *arguments, **more)  # type: ignore[call-overload]

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refused)
        assert left_out(scan_folder(sounds)) == {"3.wav": "unreadable: Permission denied"}
    assert "3.wav" in used_paths(scan_folder(sounds)), "once it may be read, it is used"


def test_empty_folder_is_an_error(tmp_path: Path, scan_folder: Scan) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(CollectionError, match=r"^/.*/empty: no usable sound: .*empty$"):
        scan_folder(tmp_path / "empty")


def test_folder_without_a_usable_file_is_an_error_that_counts(
    tmp_path: Path, scan_folder: Scan
) -> None:
    folder = tmp_path / "loose"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.txt").write_text("no sound")
    soundfile.write(folder / "silence.wav", np.zeros(8_000), 16_000)
    with pytest.raises(CollectionError) as error:
        scan_folder(folder)
    assert str(error.value).startswith(f"{folder}: no usable sound: ")
    assert "1 silent, 3 not audio" in str(error.value)


@pytest.mark.parametrize("at", ["cache", "cache/index.sqlite"])
def test_cache_that_cannot_be_written_is_an_error(
    tmp_path: Path, sounds: Path, scan_folder: Scan, at: str
) -> None:
    if at == "cache":
        (tmp_path / "cache").write_text("a file where the folder should be")
    else:
        (tmp_path / at).mkdir(parents=True)
    with pytest.raises(CollectionError, match=r"^data\.cache_dir=.*cannot be written: \w") as error:
        scan_folder(sounds)
    assert "\n" not in str(error.value)


def test_full_disk_is_an_error_that_keeps_what_is_done(
    tmp_path: Path, sounds: Path, scan_folder: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = os.replace
    done: list[object] = []

    def full(source: str, target: Path) -> None:
        if len(done) == 3:
            raise OSError(28, "No space left on device")
        replace(source, target)
        if target.suffix == ".f32":
            done.append(target)

    with monkeypatch.context() as patch:
        patch.setattr("distill.data.scan.WORKERS", 1)
        patch.setattr(os, "replace", full)
        with pytest.raises(CollectionError, match="No space left on device"):
            scan_folder(sounds)
    assert len(list((tmp_path / "cache").rglob("*.f32"))) == 3
    assert list((tmp_path / "cache").rglob("*.part")) == []
    assert len(scan_folder(sounds).sounds) == 12
