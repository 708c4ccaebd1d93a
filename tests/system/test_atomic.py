"""a file is there whole or not at all."""

from __future__ import annotations

import json
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from distill.system import atomic
from distill.system.atomic import remove_partial_files, whole_file, write_text


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def interrupted(path: Path, error: type[BaseException]) -> None:
    """Start to write, and fail."""
    with whole_file(path) as partial:
        partial.write_bytes(b"half of the ne")
        raise error


def test_text_is_written_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_text(path, "first – 🥁\n")
    write_text(path, "second")
    assert path.read_text(encoding="utf-8") == "second"
    assert names(tmp_path) == ["a.json"]


def test_file_names_that_are_no_unicode_are_read_back_from_json(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9")
    write_text(tmp_path / "a", json.dumps(name, ensure_ascii=False))
    assert json.loads((tmp_path / "a").read_text(encoding="utf-8")) == name


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt, SystemExit, ValueError])
def test_failure_keeps_the_old_file_and_leaves_nothing_else(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with pytest.raises(error):
        interrupted(path, error)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a.bin"]


def test_failure_leaves_no_new_file(tmp_path: Path) -> None:
    with pytest.raises(OSError):  # noqa: PT011
        interrupted(tmp_path / "a.bin", OSError)
    assert names(tmp_path) == []


def test_failure_to_rename_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError), whole_file(tmp_path / "a") as partial:  # noqa: PT011
        partial.write_bytes(b"x")
    assert names(tmp_path) == ["a"]


def test_old_content_is_there_until_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with whole_file(path) as partial:
        partial.write_bytes(b"new")
        assert partial.parent == tmp_path  # a rename within one file system
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"


def test_content_is_on_disk_before_it_has_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (events.append(kind(fd)), fsync(fd)))
    monkeypatch.setattr(os, "replace", lambda a, b: (events.append("rename"), replace(a, b)))

    def kind(descriptor: int) -> str:
        return "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"

    write_text(tmp_path / "a", "x")
    assert events == ["file", "rename", "folder"]


@pytest.fixture
def umask() -> Iterator[None]:
    """Put back after the test."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_permissions_are_those_of_any_new_file(
    tmp_path: Path, umask: None, mask: int, mode: int
) -> None:
    os.umask(mask)
    write_text(tmp_path / "a", "x")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == mode
    assert os.umask(mask) == mask  # asking for it did not change it


@pytest.mark.parametrize(
    "name", ["n" * 255, "音" * 85, ".hidden", "a b", "x.part"], ids=lambda name: name[:8]
)
def test_any_name_the_file_system_takes(tmp_path: Path, name: str) -> None:
    write_text(tmp_path / name, "x")
    assert names(tmp_path) == [name]


def test_writers_at_the_same_time_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "a"
    texts = [str(number) * 10_000 for number in range(8)]
    writers = [threading.Thread(target=write_text, args=(path, text)) for text in texts]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert path.read_text() in texts
    assert names(tmp_path) == ["a"]


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    write_text(tmp_path / "good.json", "x")
    (tmp_path / "song.part").write_text("a user's own")
    left = []
    for target in ("good.json", "other.bin"):
        writing = whole_file(tmp_path / target)
        partial = writing.__enter__()
        partial.write_text("half")
        left.append((writing, partial))
    assert len(names(tmp_path)) == 4
    remove_partial_files(tmp_path)
    assert names(tmp_path) == ["good.json", "song.part"]
    assert (tmp_path / "good.json").read_text() == "x"


@pytest.mark.parametrize("refused", [3, 10**9])
def test_a_rename_waits_for_those_who_read_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: int
) -> None:
    """As Windows refuses it, for a while or for ever."""
    path, replace, calls = tmp_path / "a", os.replace, [0]
    path.write_text("old")

    def refuse(source: Path, target: Path) -> None:
        calls[0] += 1
        if calls[0] <= refused:
            raise PermissionError(13, "it is open")
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    monkeypatch.setattr(atomic, "PATIENCE_S", 0.5)
    if refused == 3:
        write_text(path, "new")
    else:
        with pytest.raises(PermissionError):
            write_text(path, "new")
    assert path.read_text() == ("new" if refused == 3 else "old")
    assert names(tmp_path) == ["a"]
