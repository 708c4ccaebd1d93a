"""Drives that refuse what a file does not need: the file is written in full all the same."""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from distill.data.collection import Collection
from distill.errors import RunError
from distill.runs.folder import is_locked, lock_run_dir
from distill.system import locks
from tests.helpers.made_bundle import make_bundle
from tests.helpers.sounds import sound
from tests.helpers.tiny_bundle import prior_state
from tests.helpers.verbs import Run, files

CALLS = {"chmod": os, "fchmod": os, "fsync": os, "link": os, "utime": os, "flock": fcntl}
NO_LOCKS = "this file system has no locks"
ERRORS = ("EPERM", "ENOTSUP")
"""A PermissionError and an OSError of no kind: nothing tells them apart any further."""
CASES = [
    pytest.param(call, getattr(errno, name), marks=[pytest.mark.slow] * bool(number))
    for call in (*CALLS, "open")
    for number, name in enumerate(ERRORS)
]


def refuse(monkeypatch: pytest.MonkeyPatch, call: str, code: int) -> None:
    """Let the system call fail; `open` is that of a folder."""
    monkeypatch.setattr(locks, "told", [])
    before: Callable[..., Any] = os.open

    def fail(path: object, flags: int = 0, *more: Any, **named: Any) -> Any:
        if call == "open" and not Path(str(path)).is_dir():
            return before(path, flags, *more, **named)
        if call == "open" and flags & getattr(os, "O_TMPFILE", 0):
            return before(path, flags, *more, **named)
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr({**CALLS, "lockf": fcntl}.get(call, os), call, fail)


@pytest.mark.parametrize(("call", "code"), CASES)
def test_the_file_is_there_in_full(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, code: int
) -> None:
    kit = make_bundle(tmp_path / "kit.distillgan", fields={"prior_state": prior_state()})
    given = sound(tmp_path / "a.wav")
    run("encode", kit, given, "-o", "before")
    refuse(monkeypatch, call, code)
    for words in (["encode", given], ["generate", "-n", "1", "--length", "0.1"]):
        told = run(words[0], kit, *words[1:], "-o", "out")
        assert (told.exit_code, told.err) == (0, []), told
    assert run("library", "add", kit).exit_code == 0
    assert len(list(Path("outputs/library").glob("*.distillgan"))) == 1
    codes = [Path(folder, "a.distillcodes").read_bytes() for folder in ("before", "out")]
    assert codes[0] == codes[1]
    made = {name for name in files(Path("out")) if not name.startswith("listen_files/")}
    assert made == {
        "a.distillcodes",
        *(name for name in made if name.endswith("_Tiny_0_001.wav")),
        "generate.json",
        "generate.png",
        "listen.html",
    }
    said = [line for line in told.out if "warning" in line]
    assert len(said) == (call == "flock"), said
    assert all(NO_LOCKS in line for line in said)


def test_without_locks_two_processes_still_do_not_train_one_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, "flock", errno.ENOTSUP)
    with lock_run_dir(tmp_path):
        assert is_locked(tmp_path)
        with pytest.raises(RunError, match="still training"), lock_run_dir(tmp_path):
            pass
    assert not is_locked(tmp_path)


def test_without_locks_sounds_are_read_and_remembered(
    sounds: Path,
    scan_folder: Callable[..., Collection],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    asked: list[str] = []
    connect = sqlite3.connect
    monkeypatch.setattr(
        sqlite3, "connect", lambda name, **more: (asked.append(name), connect(name, **more))[1]
    )
    refuse(monkeypatch, "lockf", errno.ENOTSUP)
    for _ in range(2):
        assert scan_folder(sounds).files == 12
    assert all(name.endswith("?vfs=unix-dotfile") for name in asked)
    assert [record.message for record in caplog.records if NO_LOCKS in record.message] != []


def test_what_a_full_disk_lost_is_an_error(
    run: Run, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where it is only told at the end."""
    given = sound(tmp_path / "a.wav")
    refuse(monkeypatch, "fsync", errno.ENOSPC)
    run("encode", model, given, "-o", "out").is_mistake("No space left on device")
    assert not Path("out").exists()
