"""The event files that TensorBoard reads."""

from __future__ import annotations

from pathlib import Path

from distill.training.records.event_files import EventFiles
from tests.helpers.curves import events_of


def test_two_files_of_one_second_are_read_in_their_order(tmp_path: Path) -> None:
    """TensorBoard names a file by the second and then by a number: 10 came before 9."""
    folder = tmp_path / "tensorboard" / "codec"
    for number, values in ((9, {1: 0.5, 2: 0.4}), (10, {3: 0.3})):
        before = set(folder.glob("events.*"))
        files = EventFiles(tmp_path, name="tensorboard", version=folder.name)
        for step, value in values.items():
            files.log_metrics({"val/loss": value}, step)
        files.finalize("success")
        (file,) = {*folder.glob("events.*")} - before
        file.rename(file.with_suffix(f".{number}"))
    curve = events_of(tmp_path).Scalars("val/loss")
    assert [event.step for event in curve] == [1, 2, 3]
