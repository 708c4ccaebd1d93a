"""The event files that TensorBoard reads."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest
from tensorboard.summary.writer import event_file_writer

from distill.training.records.event_files import EventFiles
from tests.helpers.curves import events_of


def test_two_files_of_one_second_are_read_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TensorBoard names a file by the second and then by a number: 10 came before 9."""
    numbers = SimpleNamespace(get=count(9).__next__)
    monkeypatch.setattr(event_file_writer, "_global_uid", numbers)
    for values in ({1: 0.5, 2: 0.4}, {3: 0.3}):
        files = EventFiles(tmp_path, name="", version="tensorboard")
        for step, value in values.items():
            files.log_metrics({"val/loss": value}, step)
        files.finalize("success")
    curve = events_of(tmp_path).Scalars("val/loss")
    assert [event.step for event in curve] == [1, 2, 3]
