"""folders → every file below them once, and the folders that were not searched."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from distill.audio.reasons import Reason
from distill.audio.walk import Found, walk


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.wav", "a/2.wav", "a/10.wav", ".hidden/.c.wav", "z/z.wav"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).touch()
    return tmp_path / "in"


def names(folder: Path, found: Iterator[Found]) -> list[str]:
    """Of files, relative to the folder; a folder that was not searched is a failure."""
    listed = list(found)
    assert all(one.reason is None for one in listed)
    return [os.path.relpath(one.path, folder) for one in listed]


def test_all_files_in_the_order_of_names_hidden_ones_too(folder: Path) -> None:
    expected = ["b.wav", ".hidden/.c.wav", "a/10.wav", "a/2.wav", "z/z.wav"]
    assert names(folder, walk([folder])) == expected


def test_a_folder_is_searched_once_however_it_is_reached(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "d.wav").touch()
    (folder / "a" / "up").symlink_to("..")
    (folder / "linked").symlink_to(tmp_path / "other")
    (folder / "twice").symlink_to(tmp_path / "other")
    found = names(folder, walk([folder, folder / "a", tmp_path / "other"]))
    assert len(found) == len(set(found)) == 6
    assert "linked/d.wav" in found


def test_what_is_no_regular_file_is_listed(folder: Path) -> None:
    (folder / "dangling").symlink_to("nowhere")
    os.mkfifo(folder / "pipe")
    assert {"dangling", "pipe"} <= set(names(folder, walk([folder])))


def test_a_folder_that_is_not_there_has_its_reason(folder: Path) -> None:
    (one,) = walk([folder / "gone"])
    assert one.path == folder / "gone"
    assert one.reason is Reason.UNREADABLE
    assert one.detail == "cannot be searched: No such file or directory"
