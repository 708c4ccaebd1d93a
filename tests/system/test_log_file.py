"""the run's log: nothing that is said is lost, whatever letters it has."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from distill.system.log_file import LogFile


@pytest.fixture
def log(tmp_path: Path) -> Iterator[logging.Logger]:
    logger = logging.Logger("a library")
    handler = LogFile(str(tmp_path / "train.log"))
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.addHandler(handler)
    yield logger
    handler.close()


def test_names_of_any_letters_are_written(
    log: logging.Logger, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log.info("read %s", os.fsdecode(b"k\xffck.wav"))
    log.info("read %s", "Klänge/\N{SAXOPHONE}.wav")
    log.info("read %s", "x\ud800")
    lines = (tmp_path / "train.log").read_bytes().decode("utf-8").splitlines()
    assert lines == ["read k\\udcffck.wav", "read Klänge/\N{SAXOPHONE}.wav", "read x\\ud800"]
    assert capsys.readouterr().out == ""


def test_a_record_whose_arguments_do_not_fit_is_written_all_the_same(
    log: logging.Logger, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log.info("%d files", "some")
    assert "some" in (tmp_path / "train.log").read_text("utf-8")
    assert capsys.readouterr().out == ""


def test_a_full_disk_is_reported_once_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.Logger("on a full disk")
    handler = LogFile("/dev/full")
    logger.addHandler(handler)
    logger.info("one")
    logger.info("two")
    handler.acquire()
    (line,) = capsys.readouterr().out.splitlines()
    assert "/dev/full: cannot be written any more: No space left on device" in line
